import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Identifier of the tunnel between two edges: the same whichever end asks. */
export function tunnelIdOf(oneEdgeId: string, otherEdgeId: string): string {
  return derivedUuid('weft tunnel v1', sortedPair(oneEdgeId, otherEdgeId));
}

/** Identifier of the tunnel between an edge and an external peer. */
export function externalTunnelIdOf(edgeId: string, externalPeerId: string): string {
  return derivedUuid('weft external tunnel v1', [edgeId, externalPeerId]);
}

/** Identifier of the group of tunnels that an edge has with the edges of a site. */
export function tunnelGroupIdOf(edgeId: string, siteId: string): string {
  return derivedUuid('weft tunnel group v1', [edgeId, siteId]);
}

/** What makes an SPD entry itself; nothing else may change its identifier, so that counters continue. */
export interface EntryIdentity {
  readonly ruleId: string;
  /** Whether the local side opens such flows, or answers them. */
  readonly direction: 'opens' | 'answers';
  readonly family: number;
  readonly protocol: number | 'any';
  /** Of a relay, for what it passes on: which of the entries that it has of these. */
  readonly passing?: number;
}

/** Identifier of an SPD entry, the same at all edges that have it. */
export function entryIdOf({ ruleId, direction, family, protocol, passing }: EntryIdentity): string {
  const parts = [ruleId, direction, `${family}`, `${protocol}`];
  return derivedUuid('weft spd entry v2', passing === undefined ? parts : [...parts, `${passing}`]);
}

export function sortedPair(one: string, other: string): readonly [string, string] {
  return one < other ? [one, other] : [other, one];
}

/** A name-based UUID of version 8 (RFC 9562 section 5.8): SHA-256 over length-prefixed parts, cut to 128 bits. */
function derivedUuid(purpose: string, parts: readonly string[]): string {
  const octets = sha256(utf8ToBytes([purpose, ...parts].map((part) => `${part.length}:${part}`).join(','))).slice(
    0,
    16,
  );
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x80;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytesToHex(octets);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

import type { EspTransform } from '../crypto/esp-transform.js';
import type { PathMtu } from '../policy/path-mtu.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Tunnel } from '../policy/tunnel.js';
import { outerHeaderLength, writeOuterHeader } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { type PathProbe, type PathProbeKind, writePathProbe } from '../wire/path-probe.js';
import type { DropCounters } from './drop-counters.js';
import { writeDummy } from './dummy.js';

/** What is to be sent: a probe of ours, or an answer to the peer's. */
export interface PathPacket {
  readonly kind: PathProbeKind;
  readonly tunnelId: string;
  /** Whether it has its IP header; otherwise a socket of the caller writes that. */
  readonly wholePacket: boolean;
  /** Octets written. */
  readonly length: number;
}

/** An association that can be asked through. */
export type ProbedAssociation = OutboundAssociation & { readonly esp: EspTransform; readonly pathMtu: PathMtu };

/** The one of a tunnel that probes and answers go out on; undefined: none does. */
export function probedAssociation(tunnel: Tunnel): ProbedAssociation | undefined {
  const { youngest } = tunnel;
  if (youngest === undefined || youngest.mode !== 'tunnel' || youngest.bundledWith !== undefined) return undefined;
  // Another engine has its numbers, and asks.
  if (youngest.sentBy !== undefined) return undefined;
  return youngest.esp === undefined || youngest.pathMtu === undefined ? undefined : (youngest as ProbedAssociation);
}

/**
 * Writes a dummy packet with a payload of `payloadLength` octets, PATH_PROBE.length or more, as it leaves. Undefined: it was
 * not to be, and is counted in `drops` and in the `counters` of its tunnel.
 */
export function writePathPacket(
  association: ProbedAssociation,
  kind: PathProbeKind,
  probe: PathProbe,
  payloadLength: number,
  out: Uint8Array,
  outOffset: number,
  now: number,
  drops: DropCounters,
  counters: Float64Array,
): PathPacket | undefined {
  const { tunnelId, esp, outer } = association;
  const header = outer === undefined ? 0 : outerHeaderLength(outer.family);
  const fill = (payload: Uint8Array) => writePathProbe(payload, kind, probe);
  const written = writeDummy(association, esp, payloadLength, out, outOffset + header, now, fill);
  if (typeof written === 'string') {
    drops.count(written, 1, counters);
    return undefined;
  }
  const length = header + written;
  // With DF, whatever the association copies: a probe that is cut shows nothing (RFC 8899 section 3, item 2).
  if (outer !== undefined) writeOuterHeader(out, outOffset, outer, length, PROTOCOL.esp, 0, true, 1, 0);
  return { kind, tunnelId, wholePacket: outer !== undefined, length };
}

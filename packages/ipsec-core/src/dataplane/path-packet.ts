import type { DropReason } from '../policy/drop-reason.js';
import type { PathMtu } from '../policy/path-mtu.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Tunnel } from '../policy/tunnel.js';
import { outerHeaderLength, writeOuterHeader } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { type PathProbe, type PathProbeKind, writePathProbe } from '../wire/path-probe.js';
import type { DropCounters } from './drop-counters.js';
import { writeAhDummy, writeDummy } from './dummy.js';

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
export type ProbedAssociation = OutboundAssociation & { readonly pathMtu: PathMtu };

/** The one of a tunnel that probes and answers go out on; undefined: none does. */
export function probedAssociation(tunnel: Tunnel): ProbedAssociation | undefined {
  const { youngest } = tunnel;
  if (youngest === undefined || youngest.bundledWith !== undefined) return undefined;
  // In transport mode a packet needs the hosts' own header.
  if (youngest.mode === 'transport' && youngest.ownHeader === undefined) return undefined;
  // Another engine has its numbers, and asks.
  if (youngest.sentBy !== undefined) return undefined;
  return youngest.pathMtu === undefined ? undefined : (youngest as ProbedAssociation);
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
  const { tunnelId, ownHeader } = association;
  const fill = (payload: Uint8Array) => writePathProbe(payload, kind, probe);
  const written = writeWhole(association, payloadLength, out, outOffset, now, fill);
  if (typeof written === 'string') {
    drops.count(written, 1, counters);
    return undefined;
  }
  return { kind, tunnelId, wholePacket: ownHeader !== undefined, length: written };
}

function writeWhole(
  association: ProbedAssociation,
  payloadLength: number,
  out: Uint8Array,
  outOffset: number,
  now: number,
  fill: (payload: Uint8Array) => void,
): number | DropReason {
  const { esp, ah, ownHeader } = association;
  if (ah !== undefined && ownHeader !== undefined) {
    return writeAhDummy(association, ah, ownHeader, payloadLength, out, outOffset, now, fill);
  }
  if (esp === undefined) return 'unprotectable_header';
  const header = ownHeader === undefined ? 0 : outerHeaderLength(ownHeader.family);
  const written = writeDummy(association, esp, payloadLength, out, outOffset + header, now, fill);
  if (typeof written === 'string') return written;
  const length = header + written;
  // With DF, whatever the association copies: a probe that is cut shows nothing (RFC 8899 section 3, item 2).
  if (ownHeader !== undefined) writeOuterHeader(out, outOffset, ownHeader, length, PROTOCOL.esp, 0, true, 1, 0);
  return length;
}

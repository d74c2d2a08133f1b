import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes/octets.js';

/*
 * The payload of a dummy packet (RFC 4303 section 2.6: "it need not be well formed") that asks how large a packet may be, or whether there is
 * somebody to answer.
 * A receiver that does not know it discards it as any other with next header 59.
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      "weft-pmt"                              |
 * |                                                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Version = 1  |     Kind      |             Size              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                             Token                             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                 Zeros, of a probe up to its size              ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const PATH_PROBE = { mark: 0, version: 8, kind: 9, size: 10, token: 12, length: 16 } as const;

/** A packet of no use but to be answered. The answer repeats both values. */
export interface PathProbe {
  /** 32 bits. */
  readonly token: number;
  /** Octets of the whole IP packet that the probe travels as; 0: it only asks whether somebody answers. */
  readonly size: number;
}

export type PathProbeKind = 'probe' | 'answer';

/** Writes PATH_PROBE.length octets or more: `payload` is filled. */
export function writePathProbe(payload: Uint8Array, kind: PathProbeKind, { token, size }: PathProbe): void {
  payload.fill(0);
  payload.set(MARK, PATH_PROBE.mark);
  payload[PATH_PROBE.version] = VERSION;
  payload[PATH_PROBE.kind] = KINDS.indexOf(kind) + 1;
  writeUint16(payload, PATH_PROBE.size, size);
  writeUint32(payload, PATH_PROBE.token, token);
}

/** What the payload of a dummy packet asks or answers; undefined: it only fills the line. */
export function readPathProbe(
  octets: Uint8Array,
  offset: number,
  length: number,
): (PathProbe & { readonly kind: PathProbeKind }) | undefined {
  if (length < PATH_PROBE.length || octets[offset + PATH_PROBE.version] !== VERSION) return undefined;
  for (let i = 0; i < MARK.length; i++) if (octets[offset + PATH_PROBE.mark + i] !== MARK[i]) return undefined;
  const kind = KINDS[(octets[offset + PATH_PROBE.kind] ?? 0) - 1];
  if (kind === undefined) return undefined;
  const size = readUint16(octets, offset + PATH_PROBE.size);
  return { kind, size, token: readUint32(octets, offset + PATH_PROBE.token) };
}

/** "weft-pmt" in ASCII. */
const MARK = Uint8Array.of(0x77, 0x65, 0x66, 0x74, 0x2d, 0x70, 0x6d, 0x74);
const VERSION = 1;
/** From 1 on. */
const KINDS: readonly PathProbeKind[] = ['probe', 'answer'];

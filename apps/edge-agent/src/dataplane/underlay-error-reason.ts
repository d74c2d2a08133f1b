import type { SocketError } from '@weft/linux-io';

/** What the underlay said about packets of ours. Closed: one counter each. None of it ends anything. */
export const UNDERLAY_ERROR_REASONS = [
  'too_big',
  'network_unreachable',
  'host_unreachable',
  'protocol_unreachable',
  'port_unreachable',
  'prohibited',
  'time_exceeded',
  'parameter_problem',
  /** This machine refused to send it: too large for what it knows of the path. */
  'refused_too_big',
  /** This machine refused to send it for another reason. */
  'refused',
  'other',
  /** A message of the error queue that no datagram socket of IP should have. */
  'unreadable',
] as const;

/** One of them. */
export type UnderlayErrorReason = (typeof UNDERLAY_ERROR_REASONS)[number];

/** The reason for a message of the queue, by what said so (RFC 792, RFC 1122 section 3.2.2.1, RFC 4443 section 3). */
export function reasonOf({
  origin,
  type,
  code,
  mtu,
}: Pick<SocketError, 'origin' | 'type' | 'code' | 'mtu'>): UnderlayErrorReason {
  if (origin === 'local') return mtu > 0 ? 'refused_too_big' : 'refused';
  const table = origin === 'icmp' ? ICMP : ICMPV6;
  return table.get(type * 256 + code) ?? table.get(type * 256 + ANY_CODE) ?? 'other';
}

const ANY_CODE = 255;
function table(rows: readonly (readonly [type: number, codes: readonly number[], reason: UnderlayErrorReason])[]) {
  return new Map(rows.flatMap(([type, codes, reason]) => codes.map((code) => [type * 256 + code, reason] as const)));
}
const ICMP = table([
  [3, [0, 6, 11], 'network_unreachable'],
  [3, [1, 5, 7, 8, 12], 'host_unreachable'],
  [3, [2], 'protocol_unreachable'],
  [3, [3], 'port_unreachable'],
  [3, [4], 'too_big'],
  [3, [9, 10, 13, 14, 15], 'prohibited'],
  [11, [ANY_CODE], 'time_exceeded'],
  [12, [ANY_CODE], 'parameter_problem'],
]);
const ICMPV6 = table([
  [1, [0, 2], 'network_unreachable'],
  [1, [1, 5, 6], 'prohibited'],
  [1, [3], 'host_unreachable'],
  [1, [4], 'port_unreachable'],
  // RFC 4443 section 3.2: the code is "ignored by the receiver".
  [2, [ANY_CODE], 'too_big'],
  [3, [ANY_CODE], 'time_exceeded'],
  // RFC 4443 section 3.4: unrecognized Next Header type encountered.
  [4, [1], 'protocol_unreachable'],
  [4, [ANY_CODE], 'parameter_problem'],
]);

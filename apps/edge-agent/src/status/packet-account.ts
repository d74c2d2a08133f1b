import { type Explanation, formatAddress } from '@weft/ipsec-core';
import { z } from 'zod';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';

const Octets = z.number().int();
const Overhead = z.object({
  payload: Octets,
  ipHeader: Octets,
  header: Octets,
  iv: Octets,
  confidentialityPadding: Octets,
  padding: Octets,
  trailer: Octets,
  icv: Octets,
  total: Octets,
});

/** What `weft-edge explain` shows. */
export const PacketAccount = z.object({
  verdict: z.enum(['transmit', 'bypass', 'held', 'discard']),
  reason: z.string().nullable(),
  entry: z.object({ index: z.number(), entryId: z.string(), ruleId: z.string() }).nullable(),
  byQuotedPacket: z.boolean(),
  tunnel: z.object({ id: z.string(), peer: z.string() }).nullable(),
  association: z
    .object({ spi: z.number(), protocol: z.string(), mode: z.string(), suite: z.string(), nextSequence: z.string() })
    .nullable(),
  overhead: Overhead.nullable(),
  path: z
    .object({
      pathMtu: Octets,
      source: z.string(),
      outerIpHeader: Octets,
      udpHeader: Octets,
      maximumPacket: Octets,
      maximumSegmentSize: Octets.nullable(),
      whenTooLarge: z.string(),
    })
    .nullable(),
  tooLarge: z.object({ action: z.string(), maximumPacket: Octets }).nullable(),
});
export type PacketAccount = z.infer<typeof PacketAccount>;

/** An explanation of the engine in the words of the fabric. Pure. */
export function packetAccount(explained: Explanation, bundle: VerifiedBundle | undefined): PacketAccount {
  const { verdict, reason, entry, byQuotedPacket, tunnelId, association, overhead, path, tooLarge } = explained;
  return {
    verdict,
    reason: reason ?? null,
    entry: entry ?? null,
    byQuotedPacket,
    tunnel: tunnelId === undefined ? null : { id: tunnelId, peer: bundle?.tunnels.get(tunnelId)?.peerName ?? '' },
    association: association ? { ...association, nextSequence: association.nextSequence.toString() } : null,
    overhead: overhead ?? null,
    path: path ? { ...path, maximumSegmentSize: path.maximumSegmentSize ?? null } : null,
    tooLarge: tooLarge ?? null,
  };
}

/** For people, with the arithmetic. Pure. */
export function renderPacketAccount(account: PacketAccount, packet: Uint8Array): string {
  const { entry, tunnel, association, overhead, path, tooLarge } = account;
  const lines = [`packet       ${describePacket(packet)}`];
  lines.push(`verdict      ${account.verdict}${account.reason === null ? '' : `: ${account.reason}`}`);
  if (entry !== null) lines.push(`decided by   entry ${entry.index + 1}, ${entry.entryId}, of rule ${entry.ruleId}`);
  else lines.push('decided by   no entry: what no entry names is discarded');
  if (tunnel !== null) lines.push(`tunnel       ${tunnel.peer} (${tunnel.id})`);
  else if (account.reason === 'no_tunnel')
    lines.push('tunnel       none: no tunnel of this edge carries the remote address');
  if (association !== null) {
    const { protocol, mode, suite, spi, nextSequence } = association;
    lines.push(
      `association  ${protocol} ${mode} ${suite}, SPI 0x${spi.toString(16).padStart(8, '0')}, next number ${nextSequence}`,
    );
  }
  if (overhead !== null) {
    const parts = Object.entries(overhead).filter(([name, octets]) => name !== 'total' && octets > 0);
    lines.push(
      `protected    ${parts.map(([name, octets]) => `${octets} ${WORDS[name] ?? name}`).join(' + ')} = ${overhead.total}`,
    );
  }
  if (path !== null) {
    const around = path.outerIpHeader + path.udpHeader;
    lines.push(
      `path         MTU ${path.pathMtu} (${path.source}), less ${around} for outer IP and UDP: packets to ${path.maximumPacket} octets` +
        `${path.maximumSegmentSize === null ? '' : `, TCP segments to ${path.maximumSegmentSize}`}; larger ones: ${path.whenTooLarge}`,
    );
  }
  if (tooLarge !== null) lines.push(`too large    ${tooLarge.action}, at most ${tooLarge.maximumPacket} octets`);
  return lines.join('\n');
}

function describePacket(packet: Uint8Array): string {
  const family = (packet[0] ?? 0) >>> 4;
  const [from, to, protocol] =
    family === 4
      ? [packet.subarray(12, 16), packet.subarray(16, 20), packet[9]]
      : [packet.subarray(8, 24), packet.subarray(24, 40), packet[6]];
  return `${formatAddress(from)} > ${formatAddress(to)} protocol ${protocol}, ${packet.length} octets`;
}

const WORDS: Readonly<Record<string, string>> = {
  payload: 'packet',
  ipHeader: 'IP header',
  header: 'ESP or AH header',
  iv: 'IV',
  confidentialityPadding: 'padding against traffic analysis',
  padding: 'padding',
  trailer: 'trailer',
  icv: 'ICV',
};

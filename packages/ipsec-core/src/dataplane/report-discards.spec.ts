import { expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { drops, plane, selector } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';

const discard = (remote: string): SecurityPolicy => ({
  entryId: remote,
  ruleId: 'r',
  selectors: [selector([], [remote])],
  action: 'DISCARD',
});
const PACKETS = [
  ['spd_discard', { source: '10.1.0.1', destination: '10.2.0.2' }, 20],
  ['spd_discard', { source: '2001:db8:1::1', destination: '2001:db8:2::2' }, 40],
  ['no_policy', { source: '10.1.0.1', destination: '10.3.0.3' }, 20],
  ['no_policy', { source: '2001:db8:1::1', destination: '2001:db8:3::3' }, 40],
] as const;

it.each(PACKETS)(
  'tells the source of a packet that policy discards, where that is configured: %s %j',
  (reason, addresses, header) => {
    const policies = [discard('10.2.0.0/16'), discard('2001:db8:2::/48')];
    const packet = ipPacket({ ...addresses, payload: udp(1, 2, 30) });
    const told = plane(policies, { icmpErrors: { reportDiscards: true } });
    const result = told.protect(packet, 0, packet.length, new Uint8Array(200), 0, 0);
    expect([result.verdict, result.reason, result.icmpErrorLength]).toEqual([
      'discard',
      reason,
      header + 8 + packet.length,
    ]);
    const message = new Uint8Array(result.icmpErrorLength);
    told.takeIcmpError(message, 0);
    expect([...message.slice(header, header + 2)]).toEqual(header === 20 ? [3, 13] : [1, 1]);
    expect(drops(told)).toEqual({ [reason]: 1 });

    const silent = plane(policies);
    expect(silent.protect(packet, 0, packet.length, new Uint8Array(200), 0, 0).icmpErrorLength).toBe(0);
  },
);

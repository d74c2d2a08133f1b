import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, bypass, drops, plane, receive, selector, send } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import type { DataPlane } from './data-plane.js';

//  10.1.0.0/24 [ here ] === a === [ one  ] 10.2.0.0/24
//                       === b === [ other ]
const SPI = { a: 0xa00, b: 0xb00, c: 0xc00 };
const POLICIES: readonly SecurityPolicy[] = [
  {
    entryId: 'site',
    ruleId: 'r',
    action: 'PROTECT',
    tunnelId: 'a',
    alternatives: ['a', 'b'],
    selectors: [selector(['10.1.0.0/24'], ['10.2.0.0/24'])],
  },
  {
    entryId: 'alone',
    ruleId: 'r',
    action: 'PROTECT',
    tunnelId: 'a',
    selectors: [selector(['10.1.0.0/24'], ['10.3.0.0/24'])],
  },
  bypass('rest', selector([], [])),
];

function here(tunnels: readonly (keyof typeof SPI)[] = ['a', 'b']): DataPlane {
  const made = plane(POLICIES);
  for (const tunnelId of tunnels) {
    made.install(association('outbound', { tunnelId, spi: SPI[tunnelId] }), 0);
    made.install(association('inbound', { tunnelId, spi: SPI[tunnelId] }), 0);
  }
  return made;
}

function packet(source: string, destination: string): Uint8Array {
  return ipPacket({ source, destination, payload: udp(1, 2, 40) });
}

/** The tunnel that a packet to an address went into, by its SPI; otherwise why it did not. */
function wayTo(destination: string, from: DataPlane): string {
  const { packets, verdicts, reasons } = send(from, packet('10.1.0.1', destination));
  const [sealed] = packets;
  if (sealed === undefined || verdicts[0] !== 'transmit') return reasons[0] ?? verdicts[0] ?? '';
  const spi = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
  return Object.entries(SPI).find(([, value]) => value === spi)?.[0] ?? '';
}

function explain(from: DataPlane) {
  const octets = packet('10.1.0.1', '10.2.0.1');
  return from.explain(octets, 0, octets.length, 1);
}

describe('an entry with several tunnels', () => {
  it('sends in the one that is chosen, from the next packet on; without a choice in its own', () => {
    const from = here();
    expect(wayTo('10.2.0.1', from)).toBe('a');
    from.choose(new Map([['a', 'b']]));
    expect([wayTo('10.2.0.1', from), wayTo('10.3.0.1', from)]).toEqual(['b', 'a']);
    expect(explain(from)).toMatchObject({ tunnelId: 'b', verdict: 'transmit' });
    from.choose(new Map());
    expect(wayTo('10.2.0.1', from)).toBe('a');
  });

  it('goes on with what was chosen when policies are loaded again', () => {
    const from = here();
    from.choose(new Map([['a', 'b']]));
    from.installPolicy(createSecurityPolicyDatabase(POLICIES));
    expect(wayTo('10.2.0.1', from)).toBe('b');
  });

  it('never sends in what is no alternative of it', () => {
    const from = here(['a', 'b', 'c']);
    from.choose(new Map([['a', 'c']]));
    expect(wayTo('10.2.0.1', from)).toBe('a');
  });

  it('discards when the chosen tunnel has no association, although another has, and asks for it', () => {
    const from = here(['a']);
    from.choose(new Map([['a', 'b']]));
    expect(wayTo('10.2.0.1', from)).toBe('no_association');
    expect(from.acquires().map(({ tunnelId }) => tunnelId)).toEqual(['b']);
  });

  it.each(['a', 'b'] as const)('lets its packets come in by every one of them, whichever is chosen: %s', (tunnelId) => {
    const to = here();
    const peer = plane([
      { ...POLICIES[0], tunnelId, alternatives: [tunnelId], selectors: [selector([], [])] } as SecurityPolicy,
    ]);
    peer.install(association('outbound', { tunnelId, spi: SPI[tunnelId] }), 0);
    for (const chosen of ['a', 'b']) {
      to.choose(new Map([['a', chosen]]));
      const { packets } = send(peer, packet('10.2.0.1', '10.1.0.1'));
      expect(receive(to, packets, false)).toMatchObject({ reasons: [], packets: [expect.anything()] });
    }
  });

  it('and by no other: not a neighbour’s packets, nor those in the clear', () => {
    const to = here(['a', 'b', 'c']);
    const peer = plane([
      { ...POLICIES[0], tunnelId: 'c', alternatives: ['c'], selectors: [selector([], [])] } as SecurityPolicy,
    ]);
    peer.install(association('outbound', { tunnelId: 'c', spi: SPI.c }), 0);
    const { packets } = send(peer, packet('10.2.0.1', '10.1.0.1'));
    expect(receive(to, packets, false).reasons).toEqual(['selector_mismatch']);
    const clear = packet('10.2.0.1', '10.1.0.1');
    expect(to.receiveClear(clear, 0, clear.length, 1)).toMatchObject({ reason: 'protection_required' });
    expect(drops(to)).toEqual({ selector_mismatch: 1, protection_required: 1 });
  });

  it('has its own tunnel among them', () => {
    const policy = { ...POLICIES[0], alternatives: ['b'] } as SecurityPolicy;
    expect(() => createSecurityPolicyDatabase([policy])).toThrow('is not among them');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, plane, protect, receive, selector, send } from '../../test/support/planes.js';
import { ENTRY_DROP_REASONS } from '../policy/counter-memory.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import type { DataPlane } from './data-plane.js';

type Direction = 'inbound' | 'outbound';
type TunnelId = 't' | 'u';

/** The other site; 10.9 is what an edge lets into tunnel `t` and its peer does not let out of it. */
const NETWORKS = { t: ['10.2.0.0/16'], u: ['10.3.0.0/16'], stray: ['10.9.0.0/16'], closed: ['10.4.0.0/16'] };
const HERE = ['10.1.0.0/16'];
const packetTo = (destination: string) => ipPacket({ source: '10.1.0.1', destination, payload: udp(7, 9, 40) });
const PACKET = { t: packetTo('10.2.0.2'), u: packetTo('10.3.0.2') };
const STRAY = packetTo('10.9.0.2');
const CLOSED = packetTo('10.4.0.2');
const NOBODY = packetTo('10.5.0.2');

/** Entries of one bundle; `seen` says from which end, `shift` in which order, and how many there are beside them. */
function entries(seen: Direction, shift: number): readonly SecurityPolicy[] {
  const between = (remote: readonly string[]) =>
    seen === 'outbound' ? selector(HERE, remote) : selector(remote, HERE);
  const closed = (entryId: string, remote: readonly string[]): SecurityPolicy => ({
    entryId,
    ruleId: 'r',
    selectors: [between(remote)],
    action: 'DISCARD',
  });
  const all = [
    protect('entry-t', between(NETWORKS.t), 't'),
    protect('entry-u', between(NETWORKS.u), 'u'),
    seen === 'outbound' ? protect('stray', between(NETWORKS.stray), 't') : closed('stray', NETWORKS.stray),
    closed('closed', NETWORKS.closed),
  ];
  const more = Array.from({ length: shift }, (_, index) =>
    closed(`more-${shift}-${index}`, [`10.${100 + index}.0.0/16`]),
  );
  return [...more, ...all.slice(shift % all.length), ...all.slice(0, shift % all.length)];
}

/** How the packets of both tunnels are protected. */
interface Form {
  readonly whole: boolean;
  readonly of: (direction: Direction, tunnelId: TunnelId, spi: number) => SecurityAssociationParameters;
}

const FORMS: Readonly<Record<string, Form>> = {
  'ESP in tunnel mode': {
    whole: false,
    of: (direction, tunnelId, spi) => association(direction, { tunnelId, spi }),
  },
  'AH in transport mode': {
    whole: true,
    of: (direction, tunnelId, spi) => {
      const { suite: _, keyBits: __, ...rest } = association(direction, { tunnelId, spi });
      const keyingMaterial = new Uint8Array(32).fill(1);
      return { ...rest, protocol: 'ah', mode: 'transport', integrity: 'hmac-sha2-256-128', keyingMaterial };
    },
  },
};

const tunnels = fc.constantFrom<TunnelId>('t', 'u');
const steps = fc.array(
  fc.oneof(
    fc.record({ what: fc.constantFrom('pass', 'replay', 'forge', 'rekey', 'lose' as const), tunnelId: tunnels }),
    fc.record({ what: fc.constantFrom('stray', 'closed', 'nobody' as const), tunnelId: fc.constant('t' as const) }),
    fc.record({ what: fc.constant('bundle' as const), tunnelId: fc.constant('t' as const), shift: fc.nat(5) }),
  ),
  { minLength: 1, maxLength: 40 },
);

/** Two edges, and what each has to have counted of whom. */
class Pair {
  readonly sender: DataPlane;
  readonly receiver: DataPlane;
  readonly expected = new Map<string, number>();
  readonly #form: Form;
  readonly #spis = new Map<TunnelId, number>();
  #nextSpi = 0x1000;

  constructor(form: Form) {
    this.#form = form;
    this.sender = plane(entries('outbound', 0));
    this.receiver = plane(entries('inbound', 0));
    for (const tunnelId of ['t', 'u'] as const) this.rekey(tunnelId);
  }

  expect(who: string, what: string): void {
    const key = `${who} ${what}`;
    this.expected.set(key, (this.expected.get(key) ?? 0) + 1);
  }

  rekey(tunnelId: TunnelId): void {
    const spi = this.#nextSpi++;
    const before = this.#spis.get(tunnelId);
    this.receiver.install(this.#form.of('inbound', tunnelId, spi), 0);
    this.sender.install(this.#form.of('outbound', tunnelId, spi), 0);
    this.#spis.set(tunnelId, spi);
    if (before === undefined) return;
    this.sender.removeOutbound(tunnelId, before);
    this.receiver.removeInbound(before);
  }

  /** Nothing can be sent in the tunnel until it is keyed again. */
  lose(tunnelId: TunnelId): void {
    const spi = this.#spis.get(tunnelId);
    if (spi !== undefined) this.sender.removeOutbound(tunnelId, spi);
    this.#spis.delete(tunnelId);
  }

  install(shift: number): void {
    this.sender.installPolicy(createSecurityPolicyDatabase(entries('outbound', shift)));
    this.receiver.installPolicy(createSecurityPolicyDatabase(entries('inbound', shift)));
  }

  /** What leaves of a packet for an entry. Undefined: nothing. */
  leaves(packet: Uint8Array, tunnelId: TunnelId, entryId: string): Uint8Array | undefined {
    const [sealed] = send(this.sender, packet).packets;
    this.expect(`sender ${entryId}`, 'packets');
    if (this.#spis.has(tunnelId)) {
      this.expect(`sender ${tunnelId}`, 'packets');
      return sealed;
    }
    this.expect(`sender ${entryId}`, 'no_association');
    this.expect(`sender ${tunnelId}`, 'no_association');
    return undefined;
  }

  arrives(sealed: Uint8Array): void {
    receive(this.receiver, [sealed], this.#form.whole);
  }

  step({ what, tunnelId, ...more }: { what: string; tunnelId: TunnelId; shift?: number }): void {
    if (what === 'rekey') this.rekey(tunnelId);
    else if (what === 'lose') this.lose(tunnelId);
    else if (what === 'bundle') this.install(more.shift ?? 0);
    else if (what === 'nobody') send(this.sender, NOBODY);
    else if (what === 'closed') {
      send(this.sender, CLOSED);
      this.expect('sender closed', 'packets');
      this.expect('sender closed', 'spd_discard');
    } else this.#send(what, tunnelId);
  }

  #send(what: string, tunnelId: TunnelId): void {
    const entryId = what === 'stray' ? 'stray' : `entry-${tunnelId}`;
    const sealed = this.leaves(what === 'stray' ? STRAY : PACKET[tunnelId], tunnelId, entryId);
    if (sealed === undefined) return;
    if (what === 'forge') {
      const forged = sealed.slice();
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      this.arrives(forged);
      this.expect(`receiver ${tunnelId}`, 'integrity_failed');
      return;
    }
    this.arrives(sealed);
    if (what === 'stray') {
      this.expect('receiver t', 'selector_mismatch');
      this.expect('receiver stray', 'selector_mismatch');
      return;
    }
    this.expect(`receiver ${tunnelId}`, 'packets');
    this.expect(`receiver ${entryId}`, 'packets');
    if (what !== 'replay') return;
    this.arrives(sealed);
    this.expect(`receiver ${tunnelId}`, 'replayed');
  }
}

/** What an edge has counted of its tunnels and entries; nothing of what has not happened. */
function counted(name: string, of: DataPlane): [string, number][] {
  const owners = [
    ...of.tunnels().map(({ tunnelId, outboundPackets, inboundPackets, drops }) => ({
      owner: tunnelId,
      packets: outboundPackets + inboundPackets,
      drops,
    })),
    ...of.policies().map(({ entryId, packets, inboundPackets, drops }) => ({
      owner: entryId,
      packets: packets + inboundPackets,
      drops,
    })),
  ];
  return owners.flatMap(({ owner, packets, drops }) => [
    ...(packets > 0n ? [[`${name} ${owner} packets`, Number(packets)] as [string, number]] : []),
    ...drops.map(({ reason, packets: lost }): [string, number] => [`${name} ${owner} ${reason}`, Number(lost)]),
  ]);
}

describe('what is discarded', () => {
  it.each(Object.keys(FORMS))(
    'is counted with its tunnel and its entry, over rekeys and other policies: %s',
    (name) => {
      const form = FORMS[name];
      if (form === undefined) throw new Error(name);
      fc.assert(
        fc.property(steps, (taken) => {
          const pair = new Pair(form);
          for (const step of taken) pair.step(step);
          const all = [...counted('sender', pair.sender), ...counted('receiver', pair.receiver)];
          expect(Object.fromEntries(all.sort())).toEqual(Object.fromEntries([...pair.expected].sort()));
        }),
        { numRuns: 60 },
      );
    },
  );

  it('is of no tunnel and no entry when neither was known', () => {
    const { sender, receiver } = new Pair(FORMS['ESP in tunnel mode'] as Form);
    send(sender, NOBODY);
    receive(receiver, [new Uint8Array(60).fill(9), new Uint8Array(3)], false);
    expect(counted('sender', sender)).toEqual([]);
    expect(counted('receiver', receiver)).toEqual([]);
    expect(receiver.drops().reduce((sum, { packets }) => sum + packets, 0n)).toBe(2n);
  });

  it('is told apart less finely of entries, in two cache lines', () => {
    expect(ENTRY_DROP_REASONS.at(-1)).toBe('other');
    expect(8 * (4 + ENTRY_DROP_REASONS.length)).toBe(128);
  });
});

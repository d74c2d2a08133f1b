import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { AssociationMemory, type SecurityAssociationParameters } from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DesiredPlane, KeptAssociation } from './desired-plane.js';
import type { LoadedPolicies } from './messages.js';

function association(
  direction: 'inbound' | 'outbound',
  spi: number,
  more: Partial<SecurityAssociationParameters> = {},
): KeptAssociation {
  return new KeptAssociation({
    direction,
    tunnelId: 't',
    spi,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    keyingMaterial: new Uint8Array(20).fill(7),
    extendedSequenceNumbers: true,
    softLifetimeMilliseconds: 50,
    hardLifetimeMilliseconds: 100,
    ...more,
  } as SecurityAssociationParameters);
}

function policies(...tunnelIds: string[]): LoadedPolicies {
  return {
    contentHash: 'hash',
    socketFds: [3],
    policies: tunnelIds.map((tunnelId) => ({
      entryId: tunnelId,
      ruleId: 'r',
      selectors: [],
      action: 'PROTECT',
      tunnelId,
    })),
    tunnels: tunnelIds.map((tunnelId) => ({ tunnelId, socketAddress: new Uint8Array(16) })),
    groups: [],
    mappings: [],
    carriers: [],
  };
}

const named = (plane: DesiredPlane) =>
  plane.snapshot(0).map(({ spi, current }) => `${spi}${current ? ' current' : ''}`);

/** Two tunnels, and how often each was keyed while it was keyed. */
class KeyedTunnels {
  readonly plane = new DesiredPlane();
  readonly rekeys = { t: 0n, u: 0n };
  readonly #sending = { t: [] as number[], u: [] as number[] };
  #nextSpi = 1000;

  constructor() {
    this.plane.load(policies('t', 'u'));
  }

  step({ what, tunnelId }: { readonly what: string; readonly tunnelId: 't' | 'u' }): void {
    const spi = this.#nextSpi++;
    const { plane } = this;
    if (what === 'standby') plane.install([association('outbound', spi, { tunnelId, standby: true })]);
    else if (what === 'inbound') plane.install([association('inbound', spi, { tunnelId })]);
    else if (what === 'lose') this.#lose(tunnelId);
    else if (what === 'bundle with both') plane.load(policies('u', 't'));
    else if (what === 'bundle') this.#only(tunnelId);
    else this.#key(tunnelId, spi, what === 'key beside');
  }

  #key(tunnelId: 't' | 'u', spi: number, beside: boolean): void {
    this.plane.install([association('outbound', spi, { tunnelId })]);
    if (this.#sending[tunnelId].length > 0) this.rekeys[tunnelId]++;
    if (!beside) this.#lose(tunnelId);
    this.#sending[tunnelId].push(spi);
  }

  #lose(tunnelId: 't' | 'u'): void {
    const before = this.#sending[tunnelId].splice(0);
    this.plane.remove(
      [],
      before.map((spi) => ({ tunnelId, spi })),
    );
  }

  #only(tunnelId: 't' | 'u'): void {
    const gone = tunnelId === 't' ? 'u' : 't';
    this.plane.load(policies(tunnelId));
    this.rekeys[gone] = 0n;
    this.#sending[gone] = [];
  }
}

describe('what the packet path is to hold', () => {
  it('knows on which of several associations new packets go out', () => {
    const plane = new DesiredPlane();
    const dns = { selectors: [], dscpValues: [10] };
    plane.install([association('outbound', 1), association('outbound', 2), association('outbound', 3, dns)]);
    plane.install([association('inbound', 1), association('outbound', 4, { tunnelId: 'u' })]);
    expect(named(plane)).toEqual(['1', '2 current', '3 current', '1 current', '4 current']);
    plane.remove([], [{ tunnelId: 't', spi: 2 }]);
    expect(named(plane)).toEqual(['1 current', '3 current', '1 current', '4 current']);
  });

  it('remembers over new policies where a peer was found that comes from anywhere, and no other', () => {
    const plane = new DesiredPlane();
    const loaded = policies('t', 'u', 'v');
    const comes = { ...loaded, tunnels: [...loaded.tunnels.slice(0, 2), { tunnelId: 'v', socketAddress: undefined }] };
    plane.load(comes);
    for (const tunnelId of ['t', 'v']) plane.redirect({ tunnelId, socketAddress: Uint8Array.of(1) });
    plane.load(comes);
    expect(plane.redirected).toEqual([{ tunnelId: 'v', socketAddress: Uint8Array.of(1) }]);
    plane.load(policies('t'));
    expect(plane.redirected).toEqual([]);
  });

  it('sends on none that is on standby, whatever was installed last', () => {
    const plane = new DesiredPlane();
    plane.install([association('outbound', 1, { standby: true })]);
    expect([named(plane), plane.hasOutbound('t')]).toEqual([['1'], false]);
    plane.install([association('outbound', 2), association('outbound', 3, { standby: true })]);
    expect([named(plane), plane.hasOutbound('t')]).toEqual([['1', '2 current', '3'], true]);
  });

  it('forgets associations of tunnels that are gone, those that have expired, and where peers were found', () => {
    const plane = new DesiredPlane();
    plane.load(policies('t', 'u'));
    plane.install([association('inbound', 1), association('outbound', 2, { tunnelId: 'u' })]);
    plane.redirect({ tunnelId: 'u', socketAddress: new Uint8Array(16) });
    expect([plane.tunnelIds(), plane.redirected.length]).toEqual([['t', 'u'], 1]);
    const soft = { kind: 'soft', direction: 'inbound', tunnelId: 't', spi: 1 } as const;
    expect([plane.reached(soft), plane.reached(soft)]).toEqual([true, false]);
    expect(plane.snapshot(0)[0]?.state).toBe('dying');
    plane.load(policies('t'));
    expect([named(plane), plane.redirected]).toEqual([['1 current'], []]);
    const hard = { ...soft, kind: 'hard' } as const;
    expect([plane.reached(hard), plane.reached(hard), named(plane)]).toEqual([true, false, []]);
  });

  it('knows the tunnels that carry what entries protect which name none', () => {
    const plane = new DesiredPlane();
    plane.load({
      ...policies(),
      policies: [{ entryId: 'e', ruleId: 'r', selectors: [], action: 'PROTECT' }],
      carriers: [
        { tunnelId: 'u', addresses: [] },
        { tunnelId: 'v', alternatives: ['v', 'w'], addresses: [] },
      ],
    });
    expect(plane.tunnelIds()).toEqual(['u', 'v', 'w']);
  });

  it('counts of each tunnel how often another association began to send, over every bundle that has the tunnel', () => {
    const tunnels = fc.constantFrom<'t' | 'u'>('t', 'u');
    const steps = fc.array(
      fc.oneof(
        // What keys a tunnel, by a controller, by IKE or by a relay: the one before is removed, or stays until it expires.
        fc.record({ what: fc.constantFrom('key', 'key beside', 'standby', 'lose' as const), tunnelId: tunnels }),
        fc.record({ what: fc.constantFrom('inbound', 'bundle with both', 'bundle' as const), tunnelId: tunnels }),
      ),
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const model = new KeyedTunnels();
        for (const step of taken) model.step(step);
        expect([model.plane.rekeysOf('t'), model.plane.rekeysOf('u')]).toEqual([model.rekeys.t, model.rekeys.u]);
      }),
    );
  });

  it('has other sockets when the underlay moves, and all else as it was', () => {
    const plane = new DesiredPlane();
    plane.rebind([9]);
    expect(plane.loaded).toBeUndefined();
    plane.load(policies('t'));
    plane.install([association('inbound', 1)]);
    plane.redirect({ tunnelId: 't', socketAddress: new Uint8Array(16) });
    plane.rebind([4]);
    expect([plane.loaded?.socketFds, plane.loaded?.contentHash, named(plane), plane.redirected.length]).toEqual([
      [4],
      'hash',
      ['1 current'],
      1,
    ]);
  });

  it('tells who takes over how packets of an association travel that has moved', () => {
    const before = { local: Uint8Array.of(192, 0, 2, 1), remote: Uint8Array.of(198, 51, 100, 1) };
    const bySocket = { pathMtu: { mtu: 1500, underlay: { family: 4, udp: true } } } as const;
    const plane = new DesiredPlane();
    const moved = association('outbound', 1, { outer: before, pathMtu: { mtu: 1400 } });
    plane.install([moved, association('outbound', 1, { tunnelId: 'u', outer: before })]);
    plane.move({ tunnelId: 't', spi: 1 }, bySocket);
    plane.move({ tunnelId: 't', spi: 2 }, bySocket);
    const travels = plane.associations().map(({ parameters: { outer, pathMtu } }) => ({ outer, pathMtu }));
    expect(travels).toEqual([
      { outer: undefined, ...bySocket },
      { outer: before, pathMtu: undefined },
    ]);
    expect(moved.withKey(0)).toMatchObject({ ...bySocket, keyingMaterial: new Uint8Array(20).fill(7) });
  });

  it('takes a key over, lends copies of it, shows it to nobody, and wipes it with the association', () => {
    const keyingMaterial = new Uint8Array(20).fill(7);
    const kept = association('inbound', 1, { keyingMaterial });
    expect(keyingMaterial.every((octet) => octet === 0)).toBe(true);
    expect([...kept.withKey(0).keyingMaterial]).toEqual(new Array(20).fill(7));
    expect(kept.withKey(0).keyingMaterial.buffer.byteLength).toBe(20);
    expect(`${inspect(kept, { depth: 9 })}${JSON.stringify(kept)}`).not.toMatch(/7, ?7|"0":7/);
    const plane = new DesiredPlane();
    plane.install([kept]);
    plane.remove([1], []);
    expect([...kept.withKey(0).keyingMaterial]).toEqual(new Array(20).fill(0));
  });

  it('reads what a worker writes into the memory of an association', () => {
    const kept = association('outbound', 1);
    const memory = new AssociationMemory(kept.withKey(0).memory);
    memory.takeOver(1000);
    memory.counters.set([3, 300, 1010]);
    memory.sequence.set([1, 2]);
    expect(kept.snapshot(true, 0)).toMatchObject({
      packets: 3n,
      bytes: 300n,
      lastUsedAt: 1010,
      installedAt: 1000,
      hardExpiresAt: 1100,
      sequence: (1n << 32n) + 2n,
    });
  });

  it('keeps associations whose parameters have a hidden class in common, however many forms of them there are', () => {
    const forms = Array.from({ length: 16 }, (_, form) =>
      Object.fromEntries(NAMES.filter((_name, bit) => ((form >> bit) & 1) === 1).map((name) => [name, 1])),
    );
    const made = [...forms, ...forms].map((form) => association('outbound', 1, form).parameters);
    for (let form = 0; form < forms.length; form++)
      expect(haveSameHiddenClass(made[form], made[form + forms.length])).toBe(true);
    expect(haveSameHiddenClass(made[0], {})).toBe(false);
  });
});

/** What V8 alone can tell: whether it has one description for both objects. */
function haveSameHiddenClass(left: unknown, right: unknown): boolean {
  setFlagsFromString('--allow-natives-syntax');
  const same = new Function('left', 'right', 'return %HaveSameMap(left, right)');
  setFlagsFromString('--no-allow-natives-syntax');
  return same(left, right);
}

/** Of parameters that associations may have, or not. */
const NAMES = ['softBytes', 'hardBytes', 'replayWindow', 'nonFirstFragmentsAlso'] as const;

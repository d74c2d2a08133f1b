import type { ChildAssociation, WireSelector } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { associationParameters, isNative } from './child-sa-parameters.js';

const ESP = {
  protocol: 'esp',
  encryption: 'aes-gcm-16',
  keyBits: 128,
  integrity: undefined,
  extendedSequenceNumbers: true,
  keyExchange: undefined,
  additionalKeyExchanges: [],
} as const;
const AH = { ...ESP, protocol: 'ah', integrity: 'hmac-sha2-256-128', keyBits: undefined } as const;
const LOCAL = Uint8Array.of(192, 0, 2, 1);
const REMOTE = Uint8Array.of(192, 0, 2, 2);
const association: ChildAssociation = {
  connection: 'c',
  child: 'net',
  inboundSpi: 1001,
  outboundSpi: 2001,
  suite: ESP,
  mode: 'tunnel',
  tfcPadding: true,
  nonFirstFragmentsAlso: false,
  local: [],
  remote: [],
  encapsulate: false,
  localEndpoint: { address: LOCAL, port: 500 },
  remoteEndpoint: { address: REMOTE, port: 500 },
};
const protection = { tunnelId: 'net', replayWindow: 64, hardLifetime: 1000, mode: 'tunnel' } as const;

describe('form of a Child SA on the underlay', () => {
  it.each([
    ['tunnel', 'esp', true, 'udp', false],
    ['tunnel', 'esp', true, 'native', false],
    ['tunnel', 'esp', false, 'udp', false],
    ['tunnel', 'esp', false, 'native', true],
    ['transport', 'esp', false, 'udp', true],
    ['tunnel', 'ah', false, 'udp', true],
  ] as const)(
    '%s mode, %s, NAT %s, without NAT %s: directly on IP %s',
    (mode, protocol, encapsulate, withoutNat, native) => {
      expect(isNative({ suite: protocol === 'ah' ? AH : ESP, mode, encapsulate }, { withoutNat })).toBe(native);
    },
  );

  it('has no outer header in transport mode, and packets of the edge itself are between the hosts', () => {
    const transport = { ...association, mode: 'transport' } as const;
    const known = { ...protection, mode: 'transport', pathMtu: { mtu: 1500 } } as const;
    const outbound = associationParameters('outbound', transport, new Uint8Array(20), known);
    expect(outbound).toMatchObject({ between: { local: LOCAL, remote: REMOTE }, pathMtu: { mtu: 1500 } });
    expect(outbound).not.toHaveProperty('outer');
    expect(associationParameters('inbound', transport, new Uint8Array(20), known)).not.toHaveProperty('between');
    expect(associationParameters('outbound', association, new Uint8Array(20), protection)).not.toHaveProperty(
      'between',
    );
  });

  it('has the addresses of the IKE SA in its outer header (RFC 7296 section 2.23), or leaves that to the socket', () => {
    const native = { ...protection, withoutNat: 'native', pathMtu: { mtu: 1500 } } as const;
    const key = new Uint8Array(20);
    const outer = { local: LOCAL, remote: REMOTE };
    expect(associationParameters('outbound', association, key, native)).toMatchObject({
      outer,
      pathMtu: { mtu: 1500 },
    });
    expect(associationParameters('inbound', association, key, native)).toMatchObject({ outer, spi: 1001 });
    expect(associationParameters('inbound', association, key, native)).not.toHaveProperty('pathMtu');
    const inUdp = associationParameters('outbound', { ...association, encapsulate: true }, key, native);
    expect(inUdp).toMatchObject({ spi: 2001, pathMtu: { mtu: 1500, underlay: { family: 4, udp: true } } });
    expect(inUdp).not.toHaveProperty('outer');
    expect(associationParameters('outbound', association, key, protection)).not.toHaveProperty('pathMtu');
  });
});

const range = (first: readonly number[], last: readonly number[], protocol = 0): WireSelector => ({
  type: 'range',
  protocol,
  startPort: 0,
  endPort: 0xffff,
  first: Uint8Array.from(first),
  last: Uint8Array.from(last),
});
const ALL_IPV4 = range([0, 0, 0, 0], [255, 255, 255, 255]);
const ALL_IPV6 = range(new Array(16).fill(0), new Array(16).fill(255));
const PARIS = range([10, 1, 0, 0], [10, 1, 0, 255]);
const TOKYO = range([10, 2, 0, 0], [10, 2, 0, 255], 6);

describe('what a Child SA may carry', () => {
  const both = (local: readonly WireSelector[], remote: readonly WireSelector[], changes = {}) =>
    (['inbound', 'outbound'] as const).map((direction) =>
      associationParameters(direction, { ...association, local, remote, ...changes }, new Uint8Array(20), protection),
    );

  it('is what was negotiated, ours local in both directions', () => {
    for (const parameters of both([PARIS], [TOKYO])) {
      expect(parameters.selectors).toMatchObject([
        {
          localAddresses: [{ first: Uint8Array.of(10, 1, 0, 0), last: Uint8Array.of(10, 1, 0, 255) }],
          remoteAddresses: [{ first: Uint8Array.of(10, 2, 0, 0), last: Uint8Array.of(10, 2, 0, 255) }],
          protocol: 6,
        },
      ]);
    }
  });

  it('is for the policies of its tunnel to say where everything was negotiated, at no cost per packet', () => {
    const everything = [ALL_IPV6, ALL_IPV4];
    for (const parameters of both(everything, everything)) expect(parameters.selectors).toBeUndefined();
    // One family is not everything.
    for (const [local, remote] of [
      [[ALL_IPV4], everything],
      [everything, [ALL_IPV6]],
    ] as const) {
      for (const parameters of both(local, remote)) expect(parameters.selectors).toHaveLength(1);
    }
  });

  it('is nothing where no packet meets the selectors: the SAD refuses an empty list', () => {
    for (const parameters of both([ALL_IPV4], [ALL_IPV6])) expect(parameters.selectors).toEqual([]);
  });

  it('is fragments that hide their ports where both ends said so', () => {
    for (const nonFirstFragmentsAlso of [true, false]) {
      for (const parameters of both([PARIS], [TOKYO], { nonFirstFragmentsAlso })) {
        expect(parameters.nonFirstFragmentsAlso).toBe(nonFirstFragmentsAlso);
      }
    }
  });
});

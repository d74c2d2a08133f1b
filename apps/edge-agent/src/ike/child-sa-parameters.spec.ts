import type { ChildAssociation } from '@weft/ipsec-core/ike';
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
  local: [],
  remote: [],
  encapsulate: false,
  localEndpoint: { address: LOCAL, port: 500 },
  remoteEndpoint: { address: REMOTE, port: 500 },
};
const protection = { tunnelId: 'net', replayWindow: 64, hardLifetime: 1000 };

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

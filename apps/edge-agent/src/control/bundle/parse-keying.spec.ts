import {
  EncryptionAlgorithm,
  type IkeConfiguration,
  KeyExchangeMethod,
  KeyingMode,
  PseudorandomFunction,
  type Tunnel,
  TunnelStart,
} from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { testBundle } from '../../../test/support/test-bundle.js';
import { parseKeying } from './parse-keying.js';

const IKE: IkeConfiguration = {
  proposals: [
    {
      encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
      keyBits: 256,
      prf: PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384,
      keyExchange: {
        method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519,
        additionalMethods: [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768],
      },
    },
  ],
  childKeyExchange: { method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_256, additionalMethods: [] },
  ikeLifetimeSeconds: 14_400,
  childLifetimeSeconds: 3600,
  livenessSeconds: 10,
  revokedSerials: [],
};

function tunnel(change: (ike: IkeConfiguration) => void = () => undefined): Tunnel {
  const ike = structuredClone(IKE);
  change(ike);
  return { ...testBundle().tunnels[0]!, keyingMode: KeyingMode.KEYING_MODE_IKEV2, ike };
}

describe('Keying of a tunnel', () => {
  it('is what the edges negotiate, in milliseconds and IANA numbers', () => {
    const serials = [Buffer.from([0, 0x4f, 1]), Buffer.alloc(20, 0xff)];
    expect(
      parseKeying(
        't',
        tunnel((ike) => (ike.revokedSerials = serials)),
      ),
    ).toEqual({
      mode: 'ikev2',
      negotiation: {
        proposals: [{ suite: 'aes-gcm-16', keyBits: 256, prf: 6, keyExchange: { method: 31, additional: [36] } }],
        childKeyExchange: { method: 19, additional: [] },
        ikeLifetime: 14_400_000,
        childLifetime: 3_600_000,
        livenessInterval: 10_000,
        start: { kind: 'at_once' },
        revokedSerials: new Set(['4f01', 'ff'.repeat(20)]),
      },
    });
    expect(
      parseKeying(
        't',
        tunnel((ike) => delete ike.childKeyExchange),
      ),
    ).toMatchObject({
      negotiation: { childKeyExchange: undefined },
    });
  });

  it.each<[Partial<IkeConfiguration>, unknown]>([
    [{ start: TunnelStart.TUNNEL_START_AT_ONCE }, { kind: 'at_once' }],
    [{ start: TunnelStart.TUNNEL_START_TRAP }, { kind: 'trap', idle: undefined }],
    [
      { start: TunnelStart.TUNNEL_START_TRAP, idleSeconds: 600 },
      { kind: 'trap', idle: 600_000 },
    ],
  ])('says what has the tunnel negotiated: %j', (change, start) => {
    const parsed = parseKeying(
      't',
      tunnel((ike) => Object.assign(ike, change)),
    );
    expect(parsed).toMatchObject({ negotiation: { start } });
  });

  it("is the controller's with nothing to negotiate", () => {
    const keyed = { ...tunnel(), keyingMode: KeyingMode.KEYING_MODE_IKE_LESS };
    expect(() => parseKeying('t', keyed)).toThrow(expect.objectContaining({ path: 't.ike', rule: 'unexpected_value' }));
    expect(parseKeying('t', { ...keyed, ike: undefined })).toEqual({ mode: 'ike-less' });
  });

  it.each<[string, (ike: IkeConfiguration) => void, string, string]>([
    ['no proposal', (ike) => ike.proposals.splice(0), 'ike.proposals', 'missing_field'],
    ['17 proposals', (ike) => ike.proposals.push(...new Array(16).fill(ike.proposals[0])), 'ike.proposals', 'too_many'],
    [
      'another cipher',
      (ike) => (ike.proposals[0]!.encryption = 12 as never),
      'ike.proposals[0].encryption',
      'unsupported_value',
    ],
    [
      'ChaCha20 with 128 key bits',
      (ike) => Object.assign(ike.proposals[0]!, { encryption: 28, keyBits: 128 }),
      'ike.proposals[0].key_bits',
      'unsupported_value',
    ],
    ['100 key bits', (ike) => (ike.proposals[0]!.keyBits = 100), 'ike.proposals[0].key_bits', 'unsupported_value'],
    ['PRF_HMAC_SHA1', (ike) => (ike.proposals[0]!.prf = 2 as never), 'ike.proposals[0].prf', 'unsupported_value'],
    [
      'no key exchange',
      (ike) => delete ike.proposals[0]!.keyExchange,
      'ike.proposals[0].key_exchange',
      'missing_field',
    ],
    [
      'MODP-1024',
      (ike) => (ike.proposals[0]!.keyExchange!.method = 2 as never),
      'ike.proposals[0].key_exchange.method',
      'unsupported_value',
    ],
    [
      'an additional method NONE',
      (ike) => (ike.childKeyExchange!.additionalMethods = [0]),
      'ike.child_key_exchange.additional_methods[0]',
      'unsupported_value',
    ],
    [
      'eight additional methods',
      (ike) => (ike.childKeyExchange!.additionalMethods = new Array(8).fill(19)),
      'ike.child_key_exchange.additional_methods',
      'too_many',
    ],
    ['59 s of an IKE SA', (ike) => (ike.ikeLifetimeSeconds = 59), 'ike.ike_lifetime_seconds', 'out_of_range'],
    ['59 s of a Child SA', (ike) => (ike.childLifetimeSeconds = 59), 'ike.child_lifetime_seconds', 'out_of_range'],
    [
      '1025 serials',
      (ike) => (ike.revokedSerials = new Array(1025).fill(Buffer.alloc(1))),
      'ike.revoked_serials',
      'too_many',
    ],
    ['an empty serial', (ike) => (ike.revokedSerials = [Buffer.alloc(0)]), 'ike.revoked_serials[0]', 'out_of_range'],
    [
      'a serial of 21 octets',
      (ike) => (ike.revokedSerials = [Buffer.alloc(21)]),
      'ike.revoked_serials[0]',
      'out_of_range',
    ],
    ['an unknown start', (ike) => (ike.start = 3 as never), 'ike.start', 'unsupported_value'],
    ['a start that is none', (ike) => (ike.start = 0), 'ike.start', 'unsupported_value'],
    ['idle without a trap', (ike) => (ike.idleSeconds = 600), 'ike.idle_seconds', 'unexpected_value'],
    [
      'idle too soon',
      (ike) => Object.assign(ike, { start: TunnelStart.TUNNEL_START_TRAP, idleSeconds: 9 }),
      'ike.idle_seconds',
      'out_of_range',
    ],
    ['no liveness', (ike) => (ike.livenessSeconds = 0), 'ike.liveness_seconds', 'out_of_range'],
  ])('with %s is refused', (_, spoil, path, rule) => {
    expect(() => parseKeying('tunnels[0]', tunnel(spoil))).toThrow(
      expect.objectContaining({ path: `tunnels[0].${path}`, rule }),
    );
  });

  it('without a configuration for IKE is refused', () => {
    expect(() => parseKeying('t', { ...tunnel(), ike: undefined })).toThrow(
      expect.objectContaining({ path: 't.ike', rule: 'missing_field' }),
    );
  });
});

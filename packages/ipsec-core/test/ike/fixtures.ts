import { Secret } from '../../src/bytes/secret.js';
import { keyExchangeProvider } from '../../src/crypto/ike/key-exchange/diffie-hellman.js';
import { KeyExchangeError, type KeyExchangeProvider } from '../../src/crypto/ike/key-exchange/key-exchange.js';
import { nobleKeyExchange } from '../../src/crypto/ike/key-exchange/noble.js';
import { nobleProvider } from '../../src/crypto/noble/noble-provider.js';
import type { Connection } from '../../src/ike/connection.js';
import { IkeEngine, type IkeEngineOptions } from '../../src/ike/engine.js';
import { IkePair, type PairOptions } from '../../src/testing/pair.js';
import { type SeededRandom, seededRandom } from '../../src/testing/seeded-random.js';
import type { NetworkConditions } from '../../src/testing/simulated-network.js';
import { ENCR, ID_TYPE, KE, PRF, SN, TRANSFORM_TYPE } from '../../src/wire/ike/iana.js';
import { type Transform, transform } from '../../src/wire/ike/payloads/sa.js';
import type { WireSelector } from '../../src/wire/ike/payloads/traffic-selector.js';

export const LEFT = Uint8Array.of(192, 0, 2, 1);
export const RIGHT = Uint8Array.of(192, 0, 2, 2);

/** A peer that may come from anywhere, and cannot be called. */
export const ANYWHERE = { kind: 'anywhere' } as const;

export const IKE_GCM: readonly Transform[] = [
  transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 128),
  transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_256),
  transform(TRANSFORM_TYPE.KE, KE.CURVE25519),
];
export const HYBRID: readonly Transform[] = [...IKE_GCM, transform(TRANSFORM_TYPE.ADDKE1, KE.ML_KEM_768)];
export const TWICE_HYBRID: readonly Transform[] = [...HYBRID, transform(TRANSFORM_TYPE.ADDKE2, KE.ML_KEM_1024)];
export const ESP_GCM: readonly Transform[] = [
  transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 128),
  transform(TRANSFORM_TYPE.SN, SN.ESN),
];

export const ESP_HYBRID: readonly Transform[] = [
  ...ESP_GCM,
  transform(TRANSFORM_TYPE.KE, KE.CURVE25519),
  transform(TRANSFORM_TYPE.ADDKE1, KE.ML_KEM_768),
];

export function prefix(...octets: readonly number[]): WireSelector {
  const [a = 0, b = 0, c = 0] = octets;
  return {
    type: 'range',
    protocol: 0,
    startPort: 0,
    endPort: 65535,
    first: Uint8Array.of(a, b, c, 0),
    last: Uint8Array.of(a, b, c, 255),
  };
}

export function identity(name: string) {
  return { type: ID_TYPE.FQDN, data: Uint8Array.from(name, (character) => character.charCodeAt(0)) };
}

export function connection(side: 'left' | 'right', changes: Partial<Connection> = {}): Connection {
  const left = side === 'left';
  const [own, other] = left ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const psk = { kind: 'psk', key: new Secret(Uint8Array.of(1, 2, 3, 4)) } as const;
  const [ownNet, otherNet] = left ? [prefix(10, 1, 0), prefix(10, 2, 0)] : [prefix(10, 2, 0), prefix(10, 1, 0)];
  return {
    name: 'left-right',
    local: { address: own, port: 500 },
    remote: { kind: 'fixed', endpoint: { address: other, port: 500 } },
    localIdentity: identity(side),
    remoteIdentity: identity(left ? 'right' : 'left'),
    localAuthentication: psk,
    remoteAuthentication: psk,
    proposals: [IKE_GCM],
    children: [
      {
        name: 'net',
        proposals: [ESP_GCM],
        local: [ownNet],
        remote: [otherNet],
        mode: 'tunnel',
        lifetime: 3_600_000,
      },
    ],
    lifetime: 14_400_000,
    livenessInterval: 30_000,
    fragmentSize: 1200,
    ...changes,
  };
}

export interface MakePair extends Partial<PairOptions> {
  readonly seed?: number;
  readonly leftConnection?: Partial<Connection>;
  readonly rightConnection?: Partial<Connection>;
  readonly conditions?: NetworkConditions;
  readonly engine?: Partial<IkeEngineOptions>;
  readonly leftEngine?: Partial<IkeEngineOptions>;
  readonly rightEngine?: Partial<IkeEngineOptions>;
  /** Instead of the one connection of `right`. */
  readonly rightConnections?: readonly Connection[];
  readonly keyExchange?: KeyExchangeProvider | undefined;
}

export function makePair(options: MakePair = {}): IkePair {
  const random = seededRandom(options.seed ?? 1);
  const engine = (side: 'left' | 'right', changes: Partial<Connection> | undefined) =>
    new IkeEngine({
      provider: nobleProvider,
      keyExchange: options.keyExchange ?? nobleKeyExchange,
      random: random.fill,
      connections: (side === 'right' ? options.rightConnections : undefined) ?? [connection(side, changes)],
      ...options.engine,
      ...(side === 'left' ? options.leftEngine : options.rightEngine),
    });
  return new IkePair({
    left: engine('left', options.leftConnection),
    right: engine('right', options.rightConnection),
    leftAddress: LEFT,
    rightAddress: RIGHT,
    random,
    ...options,
  });
}

/** A pair with its IKE SA and Child SA up. */
export function establishedPair(options: MakePair = {}): IkePair {
  const pair = makePair(options);
  pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
  pair.runFor(5000);
  return pair;
}

/** Toy groups, so that thousands of schedules take seconds: the protocol cannot tell. */
export const toyKeyExchange = toyGroups(false);
/** The same as if they took long: each computation is a job of the host. */
export const slowToyKeyExchange = toyGroups(true);

function toyGroups(costly: boolean): KeyExchangeProvider {
  return keyExchangeProvider(
    'toy',
    [KE.CURVE25519, KE.ECP_256, KE.ML_KEM_768, KE.ML_KEM_1024].map((method) => ({
      method,
      costly,
      publicLength: 4,
      makePrivate(random) {
        const value = new Uint8Array(2);
        random(value);
        // Of zero everybody would know the public value, and refuse it.
        value[1] = (value[1] ?? 0) | 1;
        return value;
      },
      publicOf: (value) => toOctets(power(3n, value)),
      agree(value, peer) {
        const y = new DataView(peer.buffer, peer.byteOffset).getUint32(0);
        if (y < 2) throw new KeyExchangeError('bad_public_value', method);
        return toOctets(power(BigInt(y), value));
      },
    })),
    [],
  );
}

function power(base: bigint, exponent: Uint8Array): bigint {
  let result = 1n;
  for (let e = ((exponent[0] ?? 0) << 8) | (exponent[1] ?? 0), b = base; e > 0; e >>>= 1) {
    if ((e & 1) === 1) result = (result * b) % TOY_PRIME;
    b = (b * b) % TOY_PRIME;
  }
  return result;
}

function toOctets(value: bigint): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, Number(value));
  return octets;
}

/** Both SADs agree about keys, and how many pairs stand. */
export function agreement(pair: IkePair): { readonly pairs: number; readonly agree: boolean } {
  const [left, right] = [pair.left.sad.standing(), pair.right.sad.standing()];
  let agree = left.length === right.length;
  for (const entry of left) {
    const mirror = right.find(({ association }) => association.inboundSpi === entry.association.outboundSpi);
    agree &&= mirror?.inboundKey === entry.outboundKey && mirror.outboundKey === entry.inboundKey;
    agree &&= mirror?.association.outboundSpi === entry.association.inboundSpi;
  }
  return { pairs: left.length, agree };
}

const TOY_PRIME = 4294967291n;

export type { SeededRandom };

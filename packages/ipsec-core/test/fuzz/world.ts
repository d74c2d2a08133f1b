import {
  type AhIntegrityName,
  type CryptoProvider,
  createDataPlane,
  createEspTransform,
  createSecurityPolicyDatabase,
  type DataPlane,
  type EncryptionName,
  type EspTransform,
  espKeyingMaterialLength,
  INTEGRITY,
  type IntegrityName,
  parseAddress,
  parsePrefix,
  type SecurityAssociationParameters,
  type SecurityPolicy,
  type TrafficSelector,
} from '@weft/ipsec-core';

/**
 * The fabric that the fuzzer works on: one sender, one receiver, and between them a line per interesting association.
 * Keys, SPIs and random octets are fixed, so that a packet of the corpus means the same on every run.
 */
export interface Line {
  readonly tunnelId: string;
  readonly spi: number;
  readonly mode: 'tunnel' | 'transport';
  /** Which call takes what this line sends. */
  readonly entrance: 'open' | 'openIp';
  /** Destination addresses that policy gives to it. */
  readonly octet: number;
  /** Whether another association is applied on top. */
  readonly bundled: boolean;
  /** Whether its path carries less than the largest packets of the fuzzer. */
  readonly narrow: boolean;
  readonly association: (direction: 'inbound' | 'outbound') => SecurityAssociationParameters;
}

export interface World {
  readonly sender: DataPlane;
  readonly receiver: DataPlane;
}

/** Milliseconds after which the line `brief` is over. */
const BRIEF = 20;
/** Octets that the path of a narrow line carries; the least that an association takes is 576. */
const NARROW = 700;

interface Shape {
  readonly mode: 'tunnel' | 'transport';
  readonly esp?: readonly [EncryptionName, number, IntegrityName?];
  readonly ah?: AhIntegrityName;
  readonly outer?: 4 | 6;
  readonly bundledWith?: string;
  readonly padTo?: number;
  readonly plainNumbers?: true;
  readonly fragmentation?: 'before' | 'after';
}

const SHAPES: Readonly<Record<string, Shape>> = {
  gcm: { mode: 'tunnel', esp: ['aes-gcm-16', 128] },
  'gcm-8': { mode: 'tunnel', esp: ['aes-gcm-8', 256], padTo: 64 },
  chacha: { mode: 'tunnel', esp: ['chacha20-poly1305-iiv', 256], plainNumbers: true },
  ccm: { mode: 'tunnel', esp: ['aes-ccm-8', 192] },
  gmac: { mode: 'tunnel', esp: ['aes-gmac', 128], outer: 6 },
  'cbc-4': { mode: 'tunnel', esp: ['aes-cbc', 128, 'hmac-sha2-256-128'], outer: 4 },
  'ctr-6': { mode: 'tunnel', esp: ['aes-ctr', 256, 'hmac-sha1-96'], outer: 6, plainNumbers: true },
  'null-4': { mode: 'tunnel', esp: ['null', 0, 'hmac-sha2-512-256'], outer: 4 },
  'transport-gcm': { mode: 'transport', esp: ['aes-gcm-16', 128] },
  'transport-null': { mode: 'transport', esp: ['null', 0, 'aes-cmac-96'], plainNumbers: true },
  'ah-sha': { mode: 'transport', ah: 'hmac-sha2-256-128' },
  'ah-gmac-4': { mode: 'tunnel', ah: 'aes-gmac', outer: 4 },
  'ah-xcbc-6': { mode: 'tunnel', ah: 'aes-xcbc-96', outer: 6, plainNumbers: true },
  bundle: { mode: 'transport', esp: ['aes-gcm-16', 128], bundledWith: 'around' },
  around: { mode: 'transport', ah: 'hmac-sha1-96' },
  loop: { mode: 'transport', esp: ['null', 0, 'hmac-sha1-96'], bundledWith: 'loop' },
  brief: { mode: 'tunnel', esp: ['aes-gcm-12', 128] },
  'narrow-before': { mode: 'tunnel', esp: ['aes-gcm-16', 128], outer: 4, fragmentation: 'before' },
  'narrow-after': { mode: 'tunnel', esp: ['aes-cbc', 256, 'hmac-sha2-256-128'], outer: 4, fragmentation: 'after' },
};

export const LINES: readonly Line[] = Object.entries(SHAPES).map(([tunnelId, shape], i) => ({
  tunnelId,
  spi: 0x1000 + i,
  mode: shape.mode,
  entrance: shape.mode === 'tunnel' && shape.outer === undefined ? 'open' : 'openIp',
  octet: i + 1,
  bundled: shape.bundledWith !== undefined,
  narrow: shape.fragmentation !== undefined,
  association: (direction) => associationOf(tunnelId, 0x1000 + i, shape, direction),
}));

export function createWorld(provider: CryptoProvider): World {
  const sender = createDataPlane({ provider, random: fixedRandom() });
  const receiver = createDataPlane({ provider, random: fixedRandom() });
  sender.installPolicy(createSecurityPolicyDatabase(policies('10.1', '2001:db8:1', '10.2', '2001:db8:2')));
  receiver.installPolicy(createSecurityPolicyDatabase(policies('10.2', '2001:db8:2', '10.1', '2001:db8:1')));
  for (const { association } of LINES) {
    sender.install(association('outbound'), 0);
    receiver.install(association('inbound'), 0);
  }
  return { sender, receiver };
}

/** What a peer could seal that has the keys and means ill. */
export function createRudeTransform(provider: CryptoProvider, line: Line): EspTransform | undefined {
  const parameters = line.association('outbound');
  if (parameters.protocol !== 'esp') return undefined;
  return createEspTransform({
    provider,
    random: fixedRandom(),
    suite: { encryption: parameters.suite, keyBits: parameters.keyBits, integrity: parameters.integrity },
    keyingMaterial: parameters.keyingMaterial,
    extendedSequenceNumbers: parameters.extendedSequenceNumbers,
    direction: 'outbound',
  });
}

/** Repeatable octets: a multiplicative congruential generator is random enough for IVs that nobody attacks. */
export function fixedRandom(): (out: Uint8Array) => void {
  let state = 1;
  return (out) => {
    for (let i = 0; i < out.length; i++) {
      state = (state * 48271) % 0x7fffffff;
      out[i] = state >>> 8;
    }
  };
}

function associationOf(
  tunnelId: string,
  spi: number,
  shape: Shape,
  direction: 'inbound' | 'outbound',
): SecurityAssociationParameters {
  const ends = shape.outer === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8:f::1', '2001:db8:f::2'];
  const [local = '', remote = ''] = direction === 'outbound' ? ends : ends.toReversed();
  const common = {
    direction,
    tunnelId,
    spi,
    mode: shape.mode,
    extendedSequenceNumbers: shape.plainNumbers !== true,
    replayWindow: 64,
    softLifetimeMilliseconds: tunnelId === 'brief' ? BRIEF : 1e9,
    hardLifetimeMilliseconds: tunnelId === 'brief' ? BRIEF : 1e9,
    ...(shape.outer === undefined ? {} : { outer: { local: parseAddress(local), remote: parseAddress(remote) } }),
    ...(shape.bundledWith === undefined ? {} : { bundledWith: shape.bundledWith }),
    ...(shape.fragmentation === undefined
      ? {}
      : { pathMtu: { mtu: NARROW, fragmentation: shape.fragmentation }, nonFirstFragmentsAlso: true }),
  };
  if (shape.ah !== undefined) {
    const length = shape.ah === 'aes-gmac' ? 20 : INTEGRITY[shape.ah].keyLength;
    return { ...common, protocol: 'ah', integrity: shape.ah, keyBits: 128, keyingMaterial: keyOf(spi, length) };
  }
  const [suite, keyBits, integrity] = shape.esp ?? ['aes-gcm-16', 128];
  return {
    ...common,
    protocol: 'esp',
    suite,
    keyBits,
    ...(integrity === undefined ? {} : { integrity }),
    ...(shape.padTo === undefined ? {} : { padTo: shape.padTo }),
    keyingMaterial: keyOf(spi, espKeyingMaterialLength({ encryption: suite, keyBits, integrity })),
  };
}

function keyOf(spi: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (spi * 31 + i * 17) & 0xff);
}

/** One entry per line by destination, and by the way entries of every other kind. */
function policies(local4: string, local6: string, remote4: string, remote6: string): readonly SecurityPolicy[] {
  const ranges = (...prefixes: readonly string[]) => prefixes.map((prefix) => parsePrefix(prefix).range);
  const selector = (octet: number, more: Partial<TrafficSelector> = {}): TrafficSelector => ({
    localAddresses: [],
    // Both ends carry the line's number, so that the selectors of the two edges mirror each other.
    remoteAddresses: ranges(`${remote4}.${octet}.0/24`, `${remote6}:${octet.toString(16)}::/64`),
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
    ...more,
  });
  const mirrored = (octet: number): TrafficSelector => ({
    ...selector(octet),
    localAddresses: ranges(`${local4}.${octet}.0/24`, `${local6}:${octet.toString(16)}::/64`),
  });
  const named = (entryId: string) => ({ entryId, ruleId: 'r' });
  return [
    ...LINES.map(
      ({ tunnelId, octet }): SecurityPolicy => ({
        ...named(tunnelId),
        selectors: [mirrored(octet)],
        action: 'PROTECT',
        tunnelId,
      }),
    ),
    {
      ...named('ports'),
      selectors: [selector(200, { protocol: 17, remotePorts: [{ first: 7, last: 7 }] })],
      action: 'PROTECT',
      tunnelId: 'gcm',
    },
    { ...named('absent'), selectors: [selector(201)], action: 'PROTECT', tunnelId: 'absent' },
    { ...named('bypass'), selectors: [selector(202)], action: 'BYPASS' },
    { ...named('discard'), selectors: [selector(203)], action: 'DISCARD' },
  ];
}

/** Destinations that packets of the fuzzer go to: each line's, and those of the other entries; 204 has no entry. */
export const DESTINATIONS: readonly number[] = [...LINES.map(({ octet }) => octet), 200, 201, 202, 203, 204];

import {
  type CryptoProvider,
  ENCRYPTION,
  type EncryptionName,
  type EspSuite,
  fromHex,
  INTEGRITY,
  type IntegrityName,
  type SecurityAssociationErrorCode,
} from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { concat } from './case.js';

/** One published ESP packet with its keys. */
export interface EspPacket {
  readonly source: string;
  readonly name: string;
  readonly suite: EspSuite;
  readonly keyingMaterial: Uint8Array;
  /** undefined without extended sequence numbers. */
  readonly sequenceHigh: number | undefined;
  /** From the SPI on. */
  readonly packet: Uint8Array;
  /** Payload, padding, pad length, next header. */
  readonly plaintext: Uint8Array;
  /** Why the engine refuses an association for it (RFC 8221). */
  readonly refused: SecurityAssociationErrorCode | undefined;
}

/** Every ESP packet of the public vectors. */
export function* espPackets(folder: string): Generator<EspPacket> {
  for (const [source, read] of Object.entries(SOURCES)) {
    const { vectors, sas = [] } = loadVectors(folder, source);
    for (const vector of vectors) {
      // generated/esp-ah-scapy holds AH packets as well.
      if (vector.fields['proto'] === 'AH') continue;
      yield { sequenceHigh: undefined, refused: undefined, ...read(vector, sas), source, name: vector.text('name') };
    }
  }
}

/** The first algorithm of the suite that the provider does not list. */
export function missingAlgorithm(provider: CryptoProvider, suite: EspSuite): string | undefined {
  const encryption = ENCRYPTION[suite.encryption];
  if (encryption.kind === 'combined') {
    return provider.aeads.includes(encryption.algorithm) ? undefined : encryption.algorithm;
  }
  if (encryption.algorithm !== undefined && !provider.ciphers.includes(encryption.algorithm)) {
    return encryption.algorithm;
  }
  const mac = suite.integrity === undefined ? undefined : INTEGRITY[suite.integrity]?.algorithm;
  return mac === undefined || provider.macs.includes(mac) ? undefined : mac;
}

type Associations = readonly Readonly<Record<string, string>>[];
type Packet = Pick<EspPacket, 'suite' | 'keyingMaterial' | 'packet' | 'plaintext'> & Partial<EspPacket>;

const SOURCES: Readonly<Record<string, (vector: Vector, sas: Associations) => Packet>> = {
  'esp-aes-gcm-mcgrew-test-01': (vector) => combined(vector, 'aes-gcm-16'),
  'esp-aes-gmac-rfc4543': (vector) => combined(vector, 'aes-gmac'),
  'chacha20poly1305-rfc7634': (vector) => combined(vector, 'chacha20-poly1305'),
  'esp-aes-cbc-rfc3602': (vector) => ({
    suite: { encryption: 'aes-cbc', keyBits: 128, integrity: undefined },
    keyingMaterial: vector.octets('key'),
    packet: vector.octets('espPacket'),
    plaintext: vector.octets('preEncryption'),
    refused: 'INTEGRITY_REQUIRED',
  }),
  'esp-dpdk': dpdk,
  'generated/esp-ah-scapy': scapy,
  'pcap/esp-bug-12671.pcapng.gz': wireshark,
};

function combined(vector: Vector, encryption: EncryptionName): Packet {
  const sequence = vector.text('seq');
  const key = vector.octets('key');
  return {
    suite: { encryption, keyBits: key.length * 8, integrity: undefined },
    keyingMaterial: concat(key, vector.octets('salt')),
    sequenceHigh: sequence.length === 16 ? Number.parseInt(sequence.slice(0, 8), 16) : undefined,
    packet: vector.octets('espPacket'),
    plaintext: vector.octets('plaintext'),
  };
}

function dpdk(vector: Vector): Packet {
  const encryption = DPDK_CIPHER[vector.text('cipher')] ?? 'null';
  const auth = vector.text('auth');
  const key = vector.octets('key');
  const whole = vector.octets('protectedPacket');
  // MD5 keeps its name: what comes from a configuration is a text, and this one must be refused.
  const integrity = auth === 'MD5_HMAC' ? ('hmac-md5-96' as IntegrityName) : DPDK_INTEGRITY[auth];
  return {
    suite: { encryption, keyBits: key.length * 8, integrity },
    keyingMaterial: concat(key, vector.octets('salt'), vector.octets('authKey')),
    packet: whole.subarray((whole[0] ?? 0) >>> 4 === 4 ? 20 : 40),
    plaintext: vector.octets('plaintext'),
    refused: DPDK_REFUSED[auth],
  };
}

function scapy(vector: Vector): Packet {
  const [encryption, saltLength] = SCAPY_CIPHER[vector.text('crypt')] ?? ['null', 0];
  // With NULL encryption the file names a key that is not used.
  const key = vector.text('crypt') === 'NULL' ? new Uint8Array(0) : vector.octets('key');
  const whole = vector.octets('protectedPacket');
  const outer = (whole[0] ?? 0) >>> 4 === 4 ? 20 : 40;
  return {
    suite: {
      encryption,
      keyBits: (key.length - saltLength) * 8,
      integrity: SCAPY_INTEGRITY[vector.text('auth')],
    },
    keyingMaterial: concat(key, vector.octets('authKey')),
    sequenceHigh: vector.has('esnHigh') ? Number.parseInt(vector.text('esnHigh'), 16) : undefined,
    packet: whole.subarray(outer + (vector.fields['natT'] === true ? 8 : 0)),
    plaintext: vector.octets('plaintext'),
  };
}

function wireshark(vector: Vector, sas: Associations): Packet {
  const association = new Map(Object.entries(sas.find(({ spi }) => spi === `0x${vector.text('spi')}`) ?? {}));
  const key = (field: string) => fromHex((association.get(field) ?? '').replace(/^0x/, ''));
  const padding = vector.number('padLength');
  return {
    suite: { encryption: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
    keyingMaterial: concat(key('encryptionKey'), key('integrityKey')),
    packet: vector.octets('espPacket'),
    plaintext: concat(
      vector.octets('decrypted'),
      Uint8Array.from({ length: padding }, (_, i) => i + 1),
      Uint8Array.of(padding, vector.number('nextHeader')),
    ),
  };
}

const DPDK_CIPHER: Readonly<Record<string, EncryptionName>> = {
  AES_GCM: 'aes-gcm-16',
  AES_CBC: 'aes-cbc',
  AES_CTR: 'aes-ctr',
};
const DPDK_INTEGRITY: Readonly<Record<string, IntegrityName>> = {
  SHA256_HMAC: 'hmac-sha2-256-128',
  SHA384_HMAC: 'hmac-sha2-384-192',
  SHA512_HMAC: 'hmac-sha2-512-256',
  AES_XCBC_MAC: 'aes-xcbc-96',
};
const DPDK_REFUSED: Readonly<Record<string, SecurityAssociationErrorCode>> = {
  NULL: 'INTEGRITY_REQUIRED',
  MD5_HMAC: 'ALGORITHM_FORBIDDEN',
};
/** Encryption and the octets of salt at the end of `key`. */
const SCAPY_CIPHER: Readonly<Record<string, readonly [EncryptionName, number]>> = {
  'AES-GCM': ['aes-gcm-16', 4],
  'AES-GCM-256': ['aes-gcm-16', 4],
  'AES-CCM': ['aes-ccm-16', 3],
  'AES-NULL-GMAC': ['aes-gmac', 4],
  'CHACHA20-POLY1305': ['chacha20-poly1305', 4],
  'AES-CBC': ['aes-cbc', 0],
  'AES-CBC-256': ['aes-cbc', 0],
  'AES-CTR': ['aes-ctr', 4],
};
const SCAPY_INTEGRITY: Readonly<Record<string, IntegrityName>> = {
  'HMAC-SHA1-96': 'hmac-sha1-96',
  'SHA2-256-128': 'hmac-sha2-256-128',
  'SHA2-384-192': 'hmac-sha2-384-192',
  'SHA2-512-256': 'hmac-sha2-512-256',
  'AES-CMAC-96': 'aes-cmac-96',
};

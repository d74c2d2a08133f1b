import {
  type CryptoProvider,
  createEspTransform,
  ENCRYPTION,
  type EncryptionName,
  type EspSuite,
  INTEGRITY,
  type IntegrityName,
} from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { type ConformanceCase, concat, expectOctets, expectThat } from './case.js';

/** Every ESP packet whose algorithms the provider offers: opened, and sealed again octet for octet. */
export function* espCases(provider: CryptoProvider, folder: string): Generator<ConformanceCase> {
  for (const [source, packets] of sources(folder)) {
    for (const packet of packets) {
      if (offers(provider, packet.suite)) yield { source, name: packet.name, run: () => check(provider, packet) };
    }
  }
}

interface EspPacket {
  readonly name: string;
  readonly suite: EspSuite;
  readonly keyingMaterial: Uint8Array;
  /** undefined without extended sequence numbers. */
  readonly sequenceHigh: number | undefined;
  /** From the SPI on. */
  readonly packet: Uint8Array;
  /** Payload, padding, pad length, next header. */
  readonly plaintext: Uint8Array;
}

function* sources(folder: string): Generator<readonly [string, readonly EspPacket[]]> {
  const load = (name: string) => loadVectors(folder, name).vectors;
  yield ['esp-aes-gcm-mcgrew-test-01', load('esp-aes-gcm-mcgrew-test-01').map(mcgrew)];
  yield ['esp-aes-gmac-rfc4543', load('esp-aes-gmac-rfc4543').map(gmac)];
  yield ['chacha20poly1305-rfc7634', load('chacha20poly1305-rfc7634').map(chacha)];
  yield ['esp-dpdk', load('esp-dpdk').flatMap(dpdk)];
  yield [
    'generated/esp-ah-scapy',
    load('generated/esp-ah-scapy')
      .filter((v) => v.text('proto') === 'ESP')
      .map(scapy),
  ];
  yield ['pcap/esp-bug-12671.pcapng.gz', wireshark(folder)];
}

function check(provider: CryptoProvider, vector: EspPacket): void {
  const esn = vector.sequenceHigh !== undefined;
  const make = (direction: 'inbound' | 'outbound') =>
    createEspTransform({
      provider,
      random: () => {
        throw new Error('the IV of the vector is used');
      },
      suite: vector.suite,
      keyingMaterial: vector.keyingMaterial,
      extendedSequenceNumbers: esn,
      direction,
    });
  const high = vector.sequenceHigh ?? 0;
  const inbound = make('inbound');
  const out = new Uint8Array(vector.packet.length);
  const received = concat(new Uint8Array(OFFSET), vector.packet);
  expectThat(inbound.open(received, OFFSET, vector.packet.length, high, out, 1), 'the packet was refused');
  expectOctets(out.subarray(1, 1 + vector.plaintext.length), vector.plaintext, 'opened');
  const sealed = received.slice();
  sealed.set(vector.plaintext, OFFSET + 8 + inbound.ivLength);
  sealed.fill(0, sealed.length - inbound.icvLength);
  make('outbound').seal(sealed, OFFSET, vector.packet.length, high);
  expectOctets(sealed.subarray(OFFSET), vector.packet, 'sealed');
  for (const damaged of [OFFSET, OFFSET + 9, received.length - 1]) {
    const copy = received.slice();
    copy[damaged] = (copy[damaged] ?? 0) ^ 1;
    expectThat(!inbound.open(copy, OFFSET, vector.packet.length, high, out, 1), `octet ${damaged} is not covered`);
  }
  if (esn) {
    expectThat(
      !inbound.open(received, OFFSET, vector.packet.length, high ^ 1, out, 1),
      'the high half of the sequence number is not covered',
    );
  }
}

function offers(provider: CryptoProvider, suite: EspSuite): boolean {
  const encryption = ENCRYPTION[suite.encryption];
  if (encryption.kind === 'combined') return provider.aeads.includes(encryption.algorithm);
  const integrity = suite.integrity === undefined ? undefined : INTEGRITY[suite.integrity].algorithm;
  return (
    integrity !== undefined &&
    provider.macs.includes(integrity) &&
    (encryption.algorithm === undefined || provider.ciphers.includes(encryption.algorithm))
  );
}

function mcgrew(vector: Vector): EspPacket {
  const sequence = vector.text('seq');
  return {
    name: vector.text('name'),
    suite: combined('aes-gcm-16', vector.octets('key')),
    keyingMaterial: concat(vector.octets('key'), vector.octets('salt')),
    sequenceHigh: sequence.length === 16 ? Number.parseInt(sequence.slice(0, 8), 16) : undefined,
    packet: vector.octets('espPacket'),
    plaintext: vector.octets('plaintext'),
  };
}

function gmac(vector: Vector): EspPacket {
  return { ...mcgrew(vector), suite: combined('aes-gmac', vector.octets('key')) };
}

function chacha(vector: Vector): EspPacket {
  return { ...mcgrew(vector), suite: combined('chacha20-poly1305', vector.octets('key')) };
}

/** MD5 and missing integrity (RFC 8221 sections 4 and 6) cannot be configured. */
function dpdk(vector: Vector): readonly EspPacket[] {
  const encryption = DPDK_CIPHER[vector.text('cipher')];
  const auth = vector.text('auth');
  const integrity = DPDK_INTEGRITY[auth];
  if (encryption === undefined || (integrity === undefined && auth !== 'AEAD')) return [];
  const key = vector.octets('key');
  const whole = vector.octets('protectedPacket');
  return [
    {
      name: vector.text('name'),
      suite: { encryption, keyBits: key.length * 8, integrity },
      keyingMaterial: concat(key, vector.octets('salt'), vector.octets('authKey')),
      sequenceHigh: undefined,
      packet: whole.subarray((whole[0] ?? 0) >>> 4 === 4 ? 20 : 40),
      plaintext: vector.octets('plaintext'),
    },
  ];
}

function scapy(vector: Vector): EspPacket {
  const [encryption, saltLength] = SCAPY_CIPHER[vector.text('crypt')] ?? ['null', 0];
  // With NULL encryption the file names a key that is not used.
  const key = vector.text('crypt') === 'NULL' ? new Uint8Array(0) : vector.octets('key');
  const whole = vector.octets('protectedPacket');
  const outer = (whole[0] ?? 0) >>> 4 === 4 ? 20 : 40;
  return {
    name: vector.text('name'),
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

function wireshark(folder: string): readonly EspPacket[] {
  const { vectors, sas = [] } = loadVectors(folder, 'pcap/esp-bug-12671.pcapng.gz');
  return vectors.map((vector) => {
    const sa = new Map(Object.entries(sas.find((entry) => entry['spi'] === `0x${vector.text('spi')}`) ?? {}));
    const hex = (field: string) => Uint8Array.from(Buffer.from((sa.get(field) ?? '').slice(2), 'hex'));
    const padding = vector.number('padLength');
    return {
      name: vector.text('name'),
      suite: { encryption: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
      keyingMaterial: concat(hex('encryptionKey'), hex('integrityKey')),
      sequenceHigh: undefined,
      packet: vector.octets('espPacket'),
      plaintext: concat(
        vector.octets('decrypted'),
        Uint8Array.from({ length: padding }, (_, i) => i + 1),
        Uint8Array.of(padding, vector.number('nextHeader')),
      ),
    };
  });
}

function combined(encryption: EncryptionName, key: Uint8Array): EspSuite {
  return { encryption, keyBits: key.length * 8, integrity: undefined };
}

const OFFSET = 5;
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

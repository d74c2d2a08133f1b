import {
  type AhIntegrityName,
  type CryptoProvider,
  createDataPlane,
  createSecurityPolicyDatabase,
  FIRST_SPI,
  SecurityAssociationError,
  type SecurityAssociationParameters,
} from '@weft/ipsec-core';
import { loadVectors, type Vector } from '../support/vectors.js';
import { AH_INTEGRITY, missingAhAlgorithm } from './ah.js';
import { type ConformanceItem, concat, expectOctets, expectThat } from './case.js';
import { type EspPacket, espPackets, missingAlgorithm } from './esp-packets.js';

/**
 * Whole IP packets through a data plane: what was protected comes out as it went in, once. The transform has checked
 * each of them already; what begins in the middle of an ESN association or needs a UDP header stays there.
 */
export function* packetItems(provider: CryptoProvider, folder: string): Generator<ConformanceItem> {
  const esp = new Map([...espPackets(folder)].map((packet) => [`${packet.source} ${packet.name}`, packet]));
  for (const source of ['esp-dpdk', 'ah-dpdk', 'generated/esp-ah-scapy']) {
    for (const vector of loadVectors(folder, source).vectors) {
      if (vector.has('esnHigh') || vector.fields['natT'] === true) continue;
      const name = vector.text('name');
      const packet = esp.get(`${source} ${name}`);
      const integrity = AH_INTEGRITY[vector.text('auth')];
      const association =
        packet !== undefined ? ofEsp(provider, vector, packet) : ofAh(provider, vector, integrity ?? 'aes-gmac');
      if (association !== undefined) yield { source, name, run: () => check(provider, vector, association) };
    }
  }
}

function check(provider: CryptoProvider, vector: Vector, association: SecurityAssociationParameters): void {
  const plane = createDataPlane({ provider, random: (out) => void out.fill(0) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any' as const, localPorts: [], remotePorts: [] };
  plane.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  if (association.spi < FIRST_SPI) {
    expectReserved(() => plane.install(association, 0));
    return;
  }
  plane.install(association, 0);
  const packet = vector.octets('protectedPacket');
  const clear = vector.octets('clearPacket');
  const out = new Uint8Array(packet.length + OFFSET);
  const { verdict, length, reason } = plane.openIp(packet, 0, packet.length, out, OFFSET, 1);
  expectThat(verdict === 'deliver', `the packet was discarded: ${String(reason)}`);
  expectOctets(out.subarray(OFFSET, OFFSET + length), clear, 'delivered');
  const again = plane.openIp(packet, 0, packet.length, out, OFFSET, 1);
  expectThat(again.reason === 'replayed', `the second time: ${again.verdict} ${String(again.reason)}`);
}

/** Several of DPDK's packets carry an SPI below 256, which an association cannot have (RFC 4303 section 2.1). */
function expectReserved(install: () => void): void {
  let thrown: unknown;
  try {
    install();
  } catch (error) {
    thrown = error;
  }
  const reserved = thrown instanceof SecurityAssociationError && thrown.code === 'SPI_RESERVED';
  expectThat(reserved, `an association with a reserved SPI was not refused: ${String(thrown)}`);
}

function ofEsp(
  provider: CryptoProvider,
  vector: Vector,
  { suite, keyingMaterial, refused }: EspPacket,
): SecurityAssociationParameters | undefined {
  if (refused !== undefined || missingAlgorithm(provider, suite) !== undefined) return undefined;
  return {
    ...common(vector),
    protocol: 'esp',
    suite: suite.encryption,
    keyBits: suite.keyBits,
    ...(suite.integrity === undefined ? {} : { integrity: suite.integrity }),
    keyingMaterial,
  };
}

function ofAh(
  provider: CryptoProvider,
  vector: Vector,
  integrity: AhIntegrityName,
): SecurityAssociationParameters | undefined {
  if (missingAhAlgorithm(provider, integrity) !== undefined) return undefined;
  const key = vector.octets('authKey');
  return {
    ...common(vector),
    protocol: 'ah',
    integrity,
    keyBits: key.length * 8,
    keyingMaterial: integrity === 'aes-gmac' ? concat(key, vector.octets('salt')) : key,
  };
}

function common(vector: Vector) {
  const mode = vector.text('mode') === 'tunnel' ? ('tunnel' as const) : ('transport' as const);
  const size = (vector.octets('protectedPacket')[0] ?? 0) >>> 4 === 4 ? 4 : 16;
  // Only the family of the outer addresses matters to a receiver.
  const outer = { local: new Uint8Array(size).fill(1), remote: new Uint8Array(size).fill(2) };
  return {
    direction: 'inbound' as const,
    tunnelId: 't',
    spi: Number.parseInt(vector.text('spi'), 16),
    mode,
    extendedSequenceNumbers: false,
    replayWindow: 64,
    softLifetimeMilliseconds: 1e6,
    hardLifetimeMilliseconds: 1e6,
    ...(mode === 'tunnel' ? { outer } : {}),
  };
}

const OFFSET = 7;

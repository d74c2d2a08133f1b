import { classifyEncapsulated } from '@weft/ipsec-core';
import { readUint32 } from '../../src/bytes/octets.js';
import { AH, ahHeaderLength, findProtection, InsertionPoint, readAhLength } from '../../src/wire/ah.js';
import { ESP, espPayloadLength } from '../../src/wire/esp.js';
import { loadVectors, type Vector } from '../support/vectors.js';
import { type ConformanceItem, concat, expectOctets, expectThat } from './case.js';

/** Captures of other implementations whose keys, or ciphers, nobody here has: their structure is read. */
export function* captureItems(folder: string): Generator<ConformanceItem> {
  for (const [source, check] of Object.entries(CAPTURES)) {
    for (const vector of loadVectors(folder, source).vectors) {
      yield { source, name: vector.text('name'), run: () => check(vector) };
    }
  }
}

const CAPTURES: Readonly<Record<string, (vector: Vector) => void>> = {
  'pcap/espudp1.pcap': checkEncapsulated,
  'pcap/OSPFv3_with_AH.pcap': checkAh,
};

/** 3DES in UDP (RFC 3948): told from IKE, and its decrypted trailer gives the length of the inner packet. */
function checkEncapsulated(vector: Vector): void {
  const payload = vector.octets('espPacket');
  expectThat(classifyEncapsulated(payload, 0, payload.length) === 'esp', 'not taken for ESP');
  expectThat(readUint32(payload, ESP.spi) === Number.parseInt(vector.text('spi'), 16), 'another SPI');
  expectThat(readUint32(payload, ESP.sequence) === Number.parseInt(vector.text('seq'), 16), 'another number');
  const inner = vector.octets('decrypted');
  const padding = Uint8Array.from({ length: vector.number('padLength') }, (_, i) => i + 1);
  const plain = concat(inner, padding, Uint8Array.of(padding.length, vector.number('nextHeader')));
  expectThat(espPayloadLength(plain, 0, plain.length) === inner.length, 'another length of the payload');
}

/** RFC 4302 over IPv6 in transport mode. */
function checkAh(vector: Vector): void {
  const packet = vector.octets('packet');
  const point = new InsertionPoint();
  expectThat(findProtection(point, packet, 0, packet.length), 'AH was not found');
  const { offset, next } = point;
  expectThat(offset === 40 && next === 51, `AH was found at ${offset}`);
  const length = readAhLength(packet, offset, packet.length - offset);
  expectThat(length === vector.number('headerLength'), `a header of ${length} octets`);
  expectThat(length === ahHeaderLength(6, vector.octets('icv').length), 'another alignment');
  expectThat(readUint32(packet, offset + AH.spi) === Number.parseInt(vector.text('spi'), 16), 'another SPI');
  expectThat(packet[offset + AH.next] === vector.number('nextHeader'), 'another next header');
  expectOctets(packet.subarray(offset + AH.sequence, offset + AH.icv), vector.octets('seq'), 'sequence number');
  const icv = packet.subarray(offset + AH.icv, offset + AH.icv + vector.octets('icv').length);
  expectOctets(icv, vector.octets('icv'), 'ICV');
}

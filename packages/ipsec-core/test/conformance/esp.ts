import { type CryptoProvider, createEspTransform, SecurityAssociationError } from '@weft/ipsec-core';
import { type ConformanceItem, concat, expectOctets, expectThat } from './case.js';
import { type EspPacket, espPackets, missingAlgorithm } from './esp-packets.js';

/** Every ESP packet whose algorithms the provider offers: opened, damaged, and sealed again octet for octet. */
export function* espItems(provider: CryptoProvider, folder: string): Generator<ConformanceItem> {
  for (const { source, name, ...packet } of espPackets(folder)) {
    const missing = missingAlgorithm(provider, packet.suite);
    if (missing !== undefined) yield { source, name, reason: `${missing} is not offered` };
    else if (packet.refused === undefined) yield { source, name, run: () => checkTransform(provider, packet) };
    else yield { source, name, run: () => checkCipherAlone(provider, packet) };
  }
}

type Subject = Omit<EspPacket, 'source' | 'name'>;

function checkTransform(provider: CryptoProvider, vector: Subject): void {
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
  const { length } = vector.packet;
  const inbound = make('inbound');
  const out = new Uint8Array(length);
  const received = concat(new Uint8Array(OFFSET), vector.packet);
  expectThat(inbound.open(received, OFFSET, length, high, out, 1), 'the packet was refused');
  expectOctets(received.subarray(OFFSET), vector.packet, 'the packet after it was opened');
  expectOctets(out.subarray(1, 1 + vector.plaintext.length), vector.plaintext, 'opened');
  const sealed = received.slice();
  sealed.set(vector.plaintext, OFFSET + 8 + inbound.ivLength);
  sealed.fill(0, sealed.length - inbound.icvLength);
  make('outbound').seal(sealed, OFFSET, length, high);
  expectOctets(sealed.subarray(OFFSET), vector.packet, 'sealed');
  for (const damaged of [OFFSET, OFFSET + 4, OFFSET + 9, received.length - 1]) {
    const copy = received.slice();
    copy[damaged] = (copy[damaged] ?? 0) ^ 1;
    expectThat(!inbound.open(copy, OFFSET, length, high, out, 1), `octet ${damaged} is not covered`);
  }
  if (esn) {
    const open = inbound.open(received, OFFSET, length, high ^ 1, out, 1);
    expectThat(!open, 'the high half of the sequence number is not covered');
  }
}

/** A packet whose integrity RFC 8221 forbids: the association is refused, its cipher agrees all the same. */
function checkCipherAlone(
  provider: CryptoProvider,
  { suite, keyingMaterial, packet, plaintext, refused }: Subject,
): void {
  try {
    createEspTransform({
      provider,
      random: () => undefined,
      suite,
      keyingMaterial,
      extendedSequenceNumbers: false,
      direction: 'inbound',
    });
    throw new Error('the association was not refused');
  } catch (error) {
    expectThat(error instanceof SecurityAssociationError && error.code === refused, `${String(error)}`);
  }
  const out = new Uint8Array(plaintext.length);
  provider
    .cipher('aes-cbc', keyingMaterial.subarray(0, suite.keyBits / 8), 'inbound')
    .apply(packet.subarray(8, 24), packet, 24, plaintext.length, out, 0);
  expectOctets(out, plaintext, 'decrypted');
}

const OFFSET = 5;

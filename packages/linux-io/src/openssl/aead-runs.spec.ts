import { type AeadRuns, type CryptoProvider, type KeyedAead, RUN_PACKETS, RUN_STRIDE } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate } from '../ffi/memory.js';
import { findOpenSslProvider } from './openssl-provider.js';

const TAG = 16;
const LONGEST = 200;
const OCTETS = RUN_PACKETS * (LONGEST + TAG);

const found = findOpenSslProvider();
const provider = (found as { provider: CryptoProvider }).provider;
/** Without lists of calls there are no runs, which is slower and no failure. */
const runsHere = found.kind === 'found' && aes('outbound', 0).runs !== undefined;

describe.skipIf(!runsHere)('runs of packets', () => {
  it.each(['arena', 'heap'])('in the %s are what the packets are one by one, with keys in turns', (where) => {
    const make = () => (where === 'arena' ? allocate(OCTETS).bytes : new Uint8Array(OCTETS));
    const [packets, clear] = [make(), make()];
    const keys = [0, 1, 2].map((key) => [aes('outbound', key), aes('inbound', key), oracle(key)] as const);
    fc.assert(
      fc.property(fc.array(run(), { minLength: 1, maxLength: 4 }), (runs) => {
        for (const one of runs) {
          const [sealing, opening, expected] = keys[one.key] ?? fail();
          checkRun(sealing, opening, expected, packets, clear, one);
        }
      }),
      { numRuns: 25 },
    );
    for (const pair of keys) for (const aead of pair) aead.destroy();
  });

  it('refuse packets that lie outside of their memory', () => {
    const sealing = aes('outbound', 0);
    describeRun(sealing, [100, 100], 8, 1);
    expect(() => runsOf(sealing).seal(2, 8, allocate(150).bytes)).toThrow(RangeError);
    sealing.destroy();
  });

  it('keep nothing of a key that is destroyed, and go on with another', () => {
    const memory = allocate(OCTETS).bytes;
    const first = aes('outbound', 0);
    describeRun(first, [64], 12, 7);
    runsOf(first).seal(1, 12, memory);
    const { nonces, aads } = runsOf(first).packets;
    first.destroy();
    expect([...nonces, ...aads].every((word) => word === 0)).toBe(true);
    expect(() => runsOf(first).seal(1, 12, memory)).toThrow(ReferenceError);
    const second = aes('outbound', 1);
    const places = describeRun(second, [64], 12, 7);
    const alone = memory.slice();
    for (const { at, length, nonce, aad } of places) oracle(1).seal(nonce, aad, 12, alone, at, length);
    runsOf(second).seal(1, 12, memory);
    expect(memory).toEqual(alone);
    second.destroy();
  });
});

interface Run {
  readonly key: number;
  readonly aadLength: number;
  readonly lengths: readonly number[];
  readonly forged: number;
  readonly seed: number;
}

function checkRun(
  sealing: KeyedAead,
  opening: KeyedAead,
  expected: KeyedAead,
  packets: Uint8Array,
  clear: Uint8Array,
  { aadLength, lengths, forged, seed }: Run,
): void {
  fill(packets, seed);
  const plain = packets.slice();
  const places = describeRun(sealing, lengths, aadLength, seed);
  const alone = packets.slice();
  for (const { at, length, nonce, aad } of places) expected.seal(nonce, aad, aadLength, alone, at, length);
  runsOf(sealing).seal(lengths.length, aadLength, packets);
  expect(packets).toEqual(alone);
  const changed = places[forged]?.at;
  if (changed !== undefined) packets[changed] = (packets[changed] ?? 0) ^ 1;
  clear.fill(0xee);
  describeRun(opening, lengths, aadLength, seed);
  runsOf(opening).open(lengths.length, aadLength, packets, clear);
  for (const [index, { at, length }] of places.entries()) {
    expect(runsOf(opening).packets.authentic[index]).toBe(index === forged ? 0 : 1);
    const opened = clear.slice(at, at + length);
    // Wiped, or never written.
    if (index === forged)
      expect(opened.every((octet) => octet === 0) || opened.every((octet) => octet === 0xee)).toBe(true);
    else expect(opened).toEqual(plain.slice(at, at + length));
    expect(clear.slice(at + length, at + length + TAG)).toEqual(new Uint8Array(TAG).fill(0xee));
  }
}

function runsOf(aead: KeyedAead): AeadRuns {
  return aead.runs ?? fail();
}

function run(): fc.Arbitrary<Run> {
  return fc.record({
    key: fc.nat(2),
    aadLength: fc.constantFrom(8, 12),
    lengths: fc.array(fc.integer({ min: 2, max: LONGEST }), { minLength: 1, maxLength: RUN_PACKETS }),
    forged: fc.integer({ min: -1, max: RUN_PACKETS - 1 }),
    seed: fc.nat(255),
  });
}

/** Says what the packets of a run are, one behind the other. */
function describeRun(aead: KeyedAead, lengths: readonly number[], aadLength: number, seed: number) {
  const { nonces, aads, offsets, lengths: octets, outOffsets } = runsOf(aead).packets;
  return lengths.map((length, index) => {
    const at = index * (LONGEST + TAG);
    const nonce = Uint8Array.from({ length: 12 }, (_, i) => seed + index * 3 + i);
    const aad = Uint8Array.from({ length: aadLength }, (_, i) => seed * 5 + index + i);
    octetsOf(nonces).set(nonce, index * RUN_STRIDE);
    octetsOf(aads).set(aad, index * RUN_STRIDE);
    offsets[index] = at;
    octets[index] = length;
    outOffsets[index] = at;
    return { at, length, nonce, aad };
  });
}

function octetsOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function fill(octets: Uint8Array, seed: number): void {
  for (let i = 0; i < octets.length; i++) octets[i] = seed + i * 7;
}

function aes(direction: 'inbound' | 'outbound', key: number): KeyedAead {
  return provider.aead('aes-gcm', new Uint8Array(16).fill(key), TAG, direction);
}

function oracle(key: number): KeyedAead {
  return nodeCryptoProvider.aead('aes-gcm', new Uint8Array(16).fill(key), TAG, 'outbound');
}

function fail(): never {
  throw new Error('there are no runs');
}

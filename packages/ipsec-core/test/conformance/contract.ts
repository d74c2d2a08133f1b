import {
  type AeadAlgorithm,
  type CipherAlgorithm,
  type CryptoProvider,
  type Direction,
  GMAC_LENGTH,
  MAC_LENGTH,
  type MacAlgorithm,
  nobleProvider,
} from '@weft/ipsec-core';
import { CONTRACT, type ConformanceCase, concat, expectOctets, expectThat } from './case.js';

/**
 * What CryptoProvider promises, sentence by sentence, checked against the portable provider. Needs no vectors. Every
 * array has guard octets around what a call may touch.
 */
export function* contractCases(provider: CryptoProvider): Generator<ConformanceCase> {
  const make = (name: string, run: () => void): ConformanceCase => ({ source: CONTRACT, name, run });
  yield make('lists each algorithm once, by a known name', () => checkLists(provider));
  for (const algorithm of provider.aeads) {
    for (const keyLength of AEAD_KEYS[algorithm]) {
      for (const tagLength of algorithm === 'chacha20-poly1305' ? [16] : [8, 12, 16]) {
        const subject = { provider, algorithm, keyLength, tagLength };
        const name = `${algorithm}-${keyLength * 8} tag ${tagLength}`;
        yield make(`${name}: seals as the portable provider does`, () => checkSeal(subject));
        yield make(`${name}: opens wherever out stands`, () => checkOpen(subject));
        yield make(`${name}: refuses what was changed`, () => checkForgeries(subject));
      }
    }
    yield make(`${algorithm}: covers 65,543 octets of additional data`, () => checkLongAad(provider, algorithm));
    yield make(`${algorithm}: keeps nothing of the arrays it was given`, () =>
      checkAeadOwnsItsKey(provider, algorithm),
    );
  }
  for (const algorithm of provider.ciphers) {
    for (const keyLength of AES_KEYS) {
      const name = `${algorithm}-${keyLength * 8}`;
      yield make(`${name}: applies wherever out stands`, () => checkCipher(provider, algorithm, keyLength));
    }
    yield make(`${algorithm}: keeps nothing of the arrays it was given`, () =>
      checkCipherOwnsItsKey(provider, algorithm),
    );
  }
  for (const algorithm of provider.macs) {
    yield make(`${algorithm}: computes as the portable provider does`, () => checkMac(provider, algorithm));
    yield make(`${algorithm}: counts a tail as if it stood behind the message`, () =>
      checkMacTail(provider, algorithm),
    );
    yield make(`${algorithm}: keeps nothing of the arrays it was given`, () => checkMacOwnsItsKey(provider, algorithm));
  }
  if (!provider.aeads.includes('aes-gcm')) return;
  for (const keyLength of AES_KEYS) {
    yield make(`gmac-${keyLength * 8}: is AES-GCM over additional data alone`, () => checkGmac(provider, keyLength));
  }
  yield make('gmac: keeps nothing of the arrays it was given', () => checkGmacOwnsItsKey(provider));
}

interface AeadSubject {
  readonly provider: CryptoProvider;
  readonly algorithm: AeadAlgorithm;
  readonly keyLength: number;
  readonly tagLength: number;
}

function checkLists({ name, aeads, ciphers, macs }: CryptoProvider): void {
  expectThat(name.length > 0, 'it has no name');
  for (const list of [aeads, ciphers, macs] as readonly (readonly string[])[]) {
    expectThat(new Set(list).size === list.length, `an algorithm is listed twice: ${list.join(', ')}`);
  }
  const known: readonly string[] = [...nobleProvider.aeads, ...nobleProvider.ciphers, ...nobleProvider.macs];
  for (const algorithm of [...aeads, ...ciphers, ...macs])
    expectThat(known.includes(algorithm), `unknown: ${algorithm}`);
}

function checkSeal(subject: AeadSubject): void {
  const theirs = keyed({ ...subject, provider: nobleProvider }, 'outbound');
  const ours = keyed(subject, 'outbound');
  for (const length of LENGTHS) {
    for (const aadLength of [0, 8, 12]) {
      const nonce = octets(nonceLength(subject), length);
      const aad = octets(AAD_ROOM, aadLength);
      const expected = guarded(octets(length, 1), subject.tagLength);
      theirs.seal(nonce, aad, aadLength, expected, GUARD, length);
      const actual = guarded(octets(length, 1), subject.tagLength);
      ours.seal(nonce, aad, aadLength, actual, GUARD, length);
      expectOctets(actual, expected, `sealed ${length} octets with ${aadLength} of additional data`);
      expectOctets(nonce, octets(nonceLength(subject), length), 'the nonce after the call');
      expectOctets(aad, octets(AAD_ROOM, aadLength), 'the additional data after the call');
    }
  }
}

/** In place, in another array, and overlapping by a few octets on either side. */
function checkOpen(subject: AeadSubject): void {
  const nonce = octets(nonceLength(subject), 1);
  const aad = octets(AAD_ROOM, 2);
  const sealer = keyed({ ...subject, provider: nobleProvider }, 'outbound');
  const opener = keyed(subject, 'inbound');
  for (const length of LENGTHS) {
    const plain = octets(length, 3);
    const sealed = guarded(plain, subject.tagLength);
    sealer.seal(nonce, aad, 12, sealed, GUARD, length);
    const apart = new Uint8Array(length + 2 * GUARD).fill(GUARD_OCTET);
    const input = sealed.slice();
    expectThat(opener.open(nonce, aad, 12, input, GUARD, length, apart, GUARD), `refused ${length} octets`);
    expectOctets(apart, guarded(plain, 0), `opened ${length} octets to another array`);
    expectOctets(input, sealed, 'the ciphertext after it was opened to another array');
    for (const shift of SHIFTS) {
      const arena = concat(new Uint8Array(SHIFT_ROOM), sealed, new Uint8Array(SHIFT_ROOM));
      const at = SHIFT_ROOM + GUARD;
      expectThat(opener.open(nonce, aad, 12, arena, at, length, arena, at + shift), `refused ${length} at ${shift}`);
      expectOctets(arena.subarray(at + shift, at + shift + length), plain, `opened ${length} octets, shifted ${shift}`);
    }
  }
}

function checkForgeries(subject: AeadSubject): void {
  const nonce = octets(nonceLength(subject), 1);
  const aad = octets(12, 2);
  const opener = keyed(subject, 'inbound');
  for (const length of [0, 1, 64]) {
    const plain = octets(length, 3);
    const sealed = guarded(plain, subject.tagLength);
    keyed({ ...subject, provider: nobleProvider }, 'outbound').seal(nonce, aad, 12, sealed, GUARD, length);
    const open = (changed: { sealed?: Uint8Array; nonce?: Uint8Array; aad?: Uint8Array; aadLength?: number }) => {
      const out = new Uint8Array(length).fill(GUARD_OCTET);
      const buffer = (changed.sealed ?? sealed).slice();
      const { aadLength = 12 } = changed;
      const opened = opener.open(changed.nonce ?? nonce, changed.aad ?? aad, aadLength, buffer, GUARD, length, out, 0);
      // "holds no plaintext that could be told apart"
      if (!opened && length >= 16)
        expectThat(!out.every((octet, i) => octet === plain[i]), 'plaintext was left in out');
      return opened;
    };
    expectThat(open({}), 'refused what was not changed');
    for (let at = GUARD; at < GUARD + length + subject.tagLength; at++) {
      expectThat(!open({ sealed: flipped(sealed, at) }), `octet ${at - GUARD} of ${length} is not covered`);
    }
    for (let at = 0; at < nonce.length; at++)
      expectThat(!open({ nonce: flipped(nonce, at) }), 'the nonce does not count');
    for (let at = 0; at < aad.length; at++) expectThat(!open({ aad: flipped(aad, at) }), `octet ${at} of the aad`);
    expectThat(!open({ aadLength: 8 }), 'the length of the additional data does not count');
    expectThat(open({}), 'refused what was not changed, after forgeries');
  }
}

/** GMAC covers whole packets. */
function checkLongAad(provider: CryptoProvider, algorithm: AeadAlgorithm): void {
  const subject = { provider, algorithm, keyLength: AEAD_KEYS[algorithm][0] ?? 32, tagLength: 16 };
  const nonce = octets(nonceLength(subject), 1);
  // CCM encodes lengths from 0xff00 on differently (RFC 3610 section 2.2); AES-CCM never covers more than 12 in ESP.
  const length = algorithm === 'aes-ccm' ? 0xfeff : 65_543;
  const aad = octets(length, 5);
  const [expected, actual] = [nobleProvider, provider].map((from) => {
    const tag = new Uint8Array(16);
    keyed({ ...subject, provider: from }, 'outbound').seal(nonce, aad, length, tag, 0, 0);
    return tag;
  });
  expectOctets(actual ?? new Uint8Array(0), expected ?? new Uint8Array(1), 'tag');
  const opener = keyed(subject, 'inbound');
  const none = new Uint8Array(0);
  expectThat(opener.open(nonce, aad, length, expected ?? none, 0, 0, none, 0), 'the tag was refused');
}

/** The key array is wiped by its owner; two objects of one key do not know of each other. */
function checkAeadOwnsItsKey(provider: CryptoProvider, algorithm: AeadAlgorithm): void {
  const key = octets(AEAD_KEYS[algorithm][0] ?? 32, 9);
  const subject = { provider, algorithm, keyLength: key.length, tagLength: 16 };
  const sealer = provider.aead(algorithm, key, 16, 'outbound');
  const other = provider.aead(algorithm, key, 16, 'outbound');
  const reference = nobleProvider.aead(algorithm, key.slice(), 16, 'outbound');
  key.fill(0);
  const nonce = octets(nonceLength(subject), 1);
  const seal = (by: typeof sealer) => {
    const buffer = concat(octets(40, 2), new Uint8Array(16));
    by.seal(nonce, octets(8, 3), 8, buffer, 0, 40);
    return buffer;
  };
  expectOctets(seal(sealer), seal(reference), 'sealed after the key was wiped');
  other.destroy();
  expectOctets(seal(sealer), seal(reference), 'sealed after another object of the key was destroyed');
  nonce.fill(7);
  expectOctets(seal(sealer), seal(reference), 'sealed after the nonce array was used again');
}

function checkCipher(provider: CryptoProvider, algorithm: CipherAlgorithm, keyLength: number): void {
  const key = octets(keyLength, 4);
  const iv = octets(16, 6);
  for (const length of LENGTHS.filter((size) => algorithm === 'aes-ctr' || size % 16 === 0)) {
    const plain = octets(length, 3);
    const sealed = new Uint8Array(length);
    nobleProvider.cipher(algorithm, key, 'outbound').apply(iv, plain, 0, length, sealed, 0);
    for (const [direction, from, to] of [
      ['outbound', plain, sealed],
      ['inbound', sealed, plain],
    ] as const) {
      const cipher = provider.cipher(algorithm, key, direction);
      const apart = new Uint8Array(length + 2 * GUARD).fill(GUARD_OCTET);
      cipher.apply(iv, guarded(from, 0), GUARD, length, apart, GUARD);
      expectOctets(apart, guarded(to, 0), `${direction}, ${length} octets to another array`);
      for (const shift of SHIFTS) {
        const arena = concat(new Uint8Array(SHIFT_ROOM), from, new Uint8Array(SHIFT_ROOM));
        cipher.apply(iv, arena, SHIFT_ROOM, length, arena, SHIFT_ROOM + shift);
        const at = SHIFT_ROOM + shift;
        expectOctets(arena.subarray(at, at + length), to, `${direction}, ${length} octets, shifted ${shift}`);
      }
      expectOctets(iv, octets(16, 6), 'the IV after the call');
    }
  }
}

function checkCipherOwnsItsKey(provider: CryptoProvider, algorithm: CipherAlgorithm): void {
  const key = octets(16, 9);
  const ours = provider.cipher(algorithm, key, 'outbound');
  const other = provider.cipher(algorithm, key, 'outbound');
  const theirs = nobleProvider.cipher(algorithm, key.slice(), 'outbound');
  key.fill(0);
  const apply = (by: typeof ours) => {
    const out = new Uint8Array(48);
    by.apply(octets(16, 1), octets(48, 2), 0, 48, out, 0);
    return out;
  };
  expectOctets(apply(ours), apply(theirs), 'after the key was wiped');
  other.destroy();
  expectOctets(apply(ours), apply(theirs), 'after another object of the key was destroyed');
}

function checkMac(provider: CryptoProvider, algorithm: MacAlgorithm): void {
  const key = octets(macKeyLength(algorithm), 4);
  const ours = provider.mac(algorithm, key);
  const theirs = nobleProvider.mac(algorithm, key);
  for (const length of [...LENGTHS, 65_535]) {
    const buffer = guarded(octets(length, 3), 0);
    const expected = new Uint8Array(MAC_LENGTH[algorithm] + GUARD).fill(GUARD_OCTET);
    theirs.compute(buffer, GUARD, length, expected);
    const actual = new Uint8Array(MAC_LENGTH[algorithm] + GUARD).fill(GUARD_OCTET);
    ours.compute(buffer, GUARD, length, actual);
    expectOctets(actual, expected, `value over ${length} octets`);
    expectOctets(buffer, guarded(octets(length, 3), 0), 'the message after the call');
  }
}

function checkMacTail(provider: CryptoProvider, algorithm: MacAlgorithm): void {
  const key = octets(macKeyLength(algorithm), 4);
  const ours = provider.mac(algorithm, key);
  const theirs = nobleProvider.mac(algorithm, key);
  // Every place that the end of the message can have in a block of any of these algorithms.
  const lengths = [...LENGTHS, ...Array.from({ length: 17 }, (_, i) => 128 + i)];
  for (const length of lengths) {
    for (const tailLength of [0, 4, 8]) {
      const tail = octets(tailLength, 7);
      const expected = new Uint8Array(MAC_LENGTH[algorithm]);
      theirs.compute(concat(octets(length, 3), tail), 0, length + tailLength, expected);
      const buffer = guarded(octets(length, 3), 0);
      const actual = new Uint8Array(MAC_LENGTH[algorithm]);
      ours.compute(buffer, GUARD, length, actual, tail);
      expectOctets(actual, expected, `value over ${length} octets and ${tailLength}`);
      expectOctets(concat(buffer, tail), concat(guarded(octets(length, 3), 0), octets(tailLength, 7)), 'the input');
    }
  }
}

function checkGmac(provider: CryptoProvider, keyLength: number): void {
  const key = octets(keyLength, 4);
  const ours = provider.gmac(key);
  const theirs = nobleProvider.aead('aes-gcm', key, GMAC_LENGTH, 'outbound');
  const around = [
    [0, 0],
    [12, 0],
    [0, 4],
    [16, 8],
  ] as const;
  for (const length of [...LENGTHS, 65_535]) {
    for (const [headLength, tailLength] of length > 1400 ? around.slice(-1) : around) {
      const [nonce, head, tail] = [octets(12, length), octets(headLength, 5), octets(tailLength, 7)];
      const covered = concat(head, octets(length, 3), tail);
      const expected = new Uint8Array(GMAC_LENGTH + GUARD).fill(GUARD_OCTET);
      theirs.seal(nonce, covered, covered.length, expected, 0, 0);
      const buffer = guarded(octets(length, 3), 0);
      const actual = new Uint8Array(GMAC_LENGTH + GUARD).fill(GUARD_OCTET);
      ours.compute(nonce, head, buffer, GUARD, length, tail, actual);
      expectOctets(actual, expected, `tag over ${headLength}, ${length} and ${tailLength} octets`);
      const after = concat(nonce, head, buffer, tail);
      const before = concat(
        octets(12, length),
        octets(headLength, 5),
        guarded(octets(length, 3), 0),
        octets(tailLength, 7),
      );
      expectOctets(after, before, 'the input after the call');
    }
  }
}

function checkGmacOwnsItsKey(provider: CryptoProvider): void {
  const key = octets(16, 9);
  const ours = provider.gmac(key);
  const other = provider.gmac(key);
  const theirs = nobleProvider.gmac(key.slice());
  key.fill(0);
  const compute = (by: typeof ours) => {
    const out = new Uint8Array(GMAC_LENGTH);
    by.compute(octets(12, 1), octets(12, 5), octets(50, 2), 0, 50, octets(4, 7), out);
    return out;
  };
  expectOctets(compute(ours), compute(theirs), 'after the key was wiped');
  other.destroy();
  expectOctets(compute(ours), compute(theirs), 'after another object of the key was destroyed');
}

function checkMacOwnsItsKey(provider: CryptoProvider, algorithm: MacAlgorithm): void {
  const key = octets(macKeyLength(algorithm), 9);
  const ours = provider.mac(algorithm, key);
  const other = provider.mac(algorithm, key);
  const theirs = nobleProvider.mac(algorithm, key.slice());
  key.fill(0);
  const compute = (by: typeof ours) => {
    const out = new Uint8Array(64);
    by.compute(octets(50, 2), 0, 50, out);
    return out;
  };
  expectOctets(compute(ours), compute(theirs), 'after the key was wiped');
  other.destroy();
  expectOctets(compute(ours), compute(theirs), 'after another object of the key was destroyed');
}

function keyed({ provider, algorithm, keyLength, tagLength }: AeadSubject, direction: Direction) {
  return provider.aead(algorithm, octets(keyLength, 4), tagLength, direction);
}

function nonceLength({ algorithm }: AeadSubject): number {
  return algorithm === 'aes-ccm' ? 11 : 12;
}

function macKeyLength(algorithm: MacAlgorithm): number {
  return algorithm.startsWith('aes') ? 16 : MAC_LENGTH[algorithm];
}

/** Octets that differ from one seed to the next. */
function octets(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 31 + (i >>> 8)) & 0xff);
}

function guarded(middle: Uint8Array, room: number): Uint8Array {
  const guard = new Uint8Array(GUARD).fill(GUARD_OCTET);
  return concat(guard, middle, new Uint8Array(room), guard);
}

function flipped(original: Uint8Array, at: number): Uint8Array {
  const copy = original.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const AES_KEYS = [16, 24, 32] as const;
const AEAD_KEYS: Readonly<Record<AeadAlgorithm, readonly number[]>> = {
  'aes-gcm': AES_KEYS,
  'aes-ccm': AES_KEYS,
  'chacha20-poly1305': [32],
};
const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 128, 1400] as const;
const AAD_ROOM = 20;
const GUARD = 5;
const GUARD_OCTET = 0xa5;
/** Where `out` stands relative to the input: the same place, and overlapping it before and behind. */
const SHIFTS = [0, -1, -8, -16, -17, 1, 8, 16, 17] as const;
const SHIFT_ROOM = 32;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes/hex.js';
import {
  encodeKeyShare,
  type KeyShareContent,
  MAX_KEY_SHARE_OCTETS,
  parseKeyShare,
  signedOctets,
} from './key-share-message.js';

const name = fc.stringMatching(/^[\x20-\x7e]{1,128}$/);
const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const common = {
  fabric: name,
  tunnelId: name,
  from: name,
  to: name,
  suite: name,
  epoch: fc.bigInt(0n, 2n ** 64n - 1n),
  number: fc.integer({ min: 1, max: 0xffffffff }),
  inForce: fc.integer({ min: 0, max: 0xffffffff }),
  x25519: octets(32),
};
const content: fc.Arbitrary<KeyShareContent> = fc.oneof(
  fc.record({ kind: fc.constant('offer' as const), ...common, kem: octets(1184) }),
  fc.record({ kind: fc.constant('answer' as const), ...common, offerDigest: octets(48), kem: octets(1088) }),
);
const certificates = fc.array(fc.uint8Array({ maxLength: 900 }), { maxLength: 5 });

describe('key share messages', () => {
  it('say what they were made of, signed octets and all', () => {
    fc.assert(
      fc.property(content, fc.uint8Array({ maxLength: 200 }), certificates, (made, signature, chain) => {
        const confirmation = new Uint8Array(made.kind === 'offer' ? 48 : 0).fill(6);
        const signed = signedOctets(made);
        const parsed = parseKeyShare(encodeKeyShare({ signed, confirmation, signature, certificates: chain }));
        if (!parsed.ok) throw new Error(JSON.stringify(parsed));
        expect(parsed.value.content).toEqual(made);
        expect(toHex(parsed.value.signed)).toBe(toHex(signed));
        expect(parsed.value).toMatchObject({ confirmation, signature, certificates: chain });
      }),
      { numRuns: 200 },
    );
  });

  it('have other signed octets when anything in them is other, also when names only meet elsewhere', () => {
    fc.assert(
      fc.property(content, content, (one, other) => {
        const same = toHex(signedOctets(one)) === toHex(signedOctets(other));
        expect(same).toBe(JSON.stringify(printable(one)) === JSON.stringify(printable(other)));
      }),
      { numRuns: 200 },
    );
    const [made] = fc.sample(content, { numRuns: 1, seed: 1 });
    if (made === undefined) throw new Error('There is no sample.');
    const shifted = [
      { ...made, from: 'edge', to: '-aedge-b' },
      { ...made, from: 'edge-a', to: 'edge-b' },
    ].map((each) => toHex(signedOctets(each)));
    expect(shifted[0]).not.toBe(shifted[1]);
  });

  it('are refused as a value, whatever the octets are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000, size: 'max' }), (any) => {
        expect(parseKeyShare(any).ok).toBe(false);
        expect(parseKeyShare(Uint8Array.of(1, ...any)).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
    expect(parseKeyShare(new Uint8Array(MAX_KEY_SHARE_OCTETS + 1).fill(1))).toMatchObject({
      problem: { code: 'too_large' },
    });
  });
});

function printable(made: KeyShareContent): unknown {
  return Object.entries(made)
    .map(([key, value]) => [key, value instanceof Uint8Array ? toHex(value) : String(value)])
    .sort();
}

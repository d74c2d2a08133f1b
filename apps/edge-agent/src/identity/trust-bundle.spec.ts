import { type KeyObject, sign } from 'node:crypto';
import type { TrustBundle } from '@weft/contracts/southbound';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestPki } from '../../test/support/test-pki.js';
import { trustBundleOctets, verifyTrustBundle } from './trust-bundle.js';

let pki: TestPki;
let next: TestPki;
let pinned: ReadonlyMap<string, KeyObject>;
beforeAll(async () => {
  [pki, next] = await Promise.all([TestPki.create(), TestPki.create()]);
  pinned = (await pki.identity('controller:8443')).bundleSigningKeys;
});

const changed = (change: Partial<TrustBundle>) => ({ ...pki.trust(2, next, pki), ...change });
/** Signed as it is, whatever it says. */
const signed = (version: bigint, anchors: Buffer[]): TrustBundle => ({
  version,
  anchors,
  keyId: pki.signingKeyId,
  signature: sign(null, trustBundleOctets(version, anchors), pki.signingKey),
});

describe('a trust bundle', () => {
  it('is believed when a pinned key has signed it, in the order that it has', () => {
    expect(verifyTrustBundle(pki.trust(2, next, pki), pinned)).toEqual({
      version: 2,
      trustBundle: [next, pki].map(({ root }) => root.pem),
    });
  });

  it('has its length and order under the signature', () => {
    const octets = (...anchors: string[]) =>
      trustBundleOctets(
        2n,
        anchors.map((text) => Buffer.from(text)),
      );
    const all = [octets('ab', 'c'), octets('a', 'bc'), octets('abc'), octets('c', 'ab'), octets('abc', '')];
    expect(new Set(all.map((one) => one.toString('hex'))).size).toBe(all.length);
    expect(octets('ab').toString('latin1')).toBe('weft trust bundle v1\0\0\0\0\0\0\0\0\u0002\0\0\0\u0002ab');
  });

  it.each<[string, () => TrustBundle, string]>([
    ['of another version than was signed', () => changed({ version: 3n }), 'its signature'],
    ['with one anchor less', () => changed({ anchors: pki.trust(2, next).anchors }), 'its signature'],
    ['in another order', () => changed({ anchors: pki.trust(2, pki, next).anchors }), 'its signature'],
    ['of a key that is not pinned', () => next.trust(2, next, pki), 'not pinned'],
    ['under the name of a pinned key', () => ({ ...next.trust(2, next), keyId: pki.signingKeyId }), 'its signature'],
    ['with a signature that is cut', () => changed({ signature: Buffer.alloc(63) }), 'its signature'],
    ['without an anchor', () => signed(2n, []), '0 anchors'],
    ['with too many', () => signed(2n, Array<Buffer>(17).fill(Buffer.alloc(1))), '17 anchors'],
    ['with one that is too long', () => signed(2n, [Buffer.alloc(8193)]), 'too long'],
    ['with one that is none', () => signed(2n, [Buffer.alloc(10)]), 'no certificate of an authority'],
    ['of version 0', () => signed(0n, [...pki.trust(1, pki).anchors]), 'version is 0'],
    ['of a version that nobody counts to', () => signed(2n ** 60n, [...pki.trust(1, pki).anchors]), 'version is'],
  ])('%s is refused', (_, make, reason) => {
    expect(() => verifyTrustBundle(make(), pinned)).toThrow(reason);
  });

  it('whose anchor is the certificate of an edge is refused', async () => {
    const [edge] = (await pki.identity('controller:8443')).certificateChain;
    const der = Buffer.from(edge!.replace(/-----[^-]+-----/g, ''), 'base64');
    expect(() => verifyTrustBundle(signed(2n, [der]), pinned)).toThrow('no certificate of an authority');
  });
});

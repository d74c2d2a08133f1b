import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes/hex.js';
import {
  algorithmIdentifier,
  DIGITAL_SIGNATURE_ALGORITHMS,
  type DigitalSignatureAlgorithm,
  HASH_OF,
} from '../crypto/ike/signature.js';
import type { AuthMethodAnnouncement } from '../wire/ike/auth-methods.js';
import { type AuthenticationHints, NO_HINTS } from './authentication-hints.js';
import type { Credential } from './connection.js';
import { certificatePayloads, chooseCredential } from './credential-choice.js';

const ALL_HASHES = [2, 3, 4, 5];
const hash = (octet: number) => new Uint8Array(20).fill(octet);
const [CA1, CA2, CA3] = [hash(1), hash(2), hash(3)];
const rsa: Credential = {
  name: 'rsa',
  algorithms: ['rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256', 'rsa-pkcs1'],
  certificates: [Uint8Array.of(1), Uint8Array.of(2)],
  authorities: [CA1],
};
const ecdsa: Credential = {
  name: 'ecdsa',
  algorithms: ['ecdsa-sha2-256', 'ecdsa-sha2-512', 'ecdsa-p256'],
  certificates: [Uint8Array.of(3)],
  authorities: [CA2],
  rawPublicKey: Uint8Array.of(9),
};
const eddsa: Credential = { name: 'eddsa', algorithms: ['ed25519'], certificates: [], rawPublicKey: Uint8Array.of(8) };
const CREDENTIALS = [rsa, ecdsa, eddsa];

const digital = (algorithm: DigitalSignatureAlgorithm, certLink = 0): AuthMethodAnnouncement => ({
  kind: 'digital-signature',
  certLink,
  algorithm: algorithmIdentifier(algorithm),
});
const choose = (hints: Partial<AuthenticationHints>, hashes: readonly number[] | undefined = ALL_HASHES) => {
  const choice = chooseCredential(CREDENTIALS, hashes, { ...NO_HINTS, ...hints });
  return choice && [choice.credential.name, ...choice.algorithms];
};

describe('Choosing a credential', () => {
  it('takes the first one when the peer says nothing', () => {
    expect(choose({})).toEqual(['rsa', 'rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256']);
  });

  it('signs with a hash that the peer named, and with nothing when it named none of ours (RFC 7427 section 4)', () => {
    expect(choose({}, [4])).toEqual(['ecdsa', 'ecdsa-sha2-512']);
    expect(choose({}, [5])).toEqual(['eddsa', 'ed25519']);
    expect(choose({}, [1])).toBeUndefined();
    expect(choose({}, [])).toBeUndefined();
  });

  it('never sends EdDSA to a peer without the identity hash (RFC 8420 section 2)', () => {
    expect(chooseCredential([eddsa], [2, 3, 4], NO_HINTS)).toBeUndefined();
  });

  it('goes back to the methods before RFC 7427 for a peer without it, and only then (section 3)', () => {
    expect(chooseCredential(CREDENTIALS, undefined, NO_HINTS)).toEqual({ credential: rsa, algorithms: ['rsa-pkcs1'] });
    expect(chooseCredential([eddsa], undefined, NO_HINTS)).toBeUndefined();
    fc.assert(
      fc.property(fc.subarray(ALL_HASHES), fc.subarray(CREDENTIALS), (hashes, credentials) => {
        const algorithms = chooseCredential(credentials, hashes, NO_HINTS)?.algorithms ?? [];
        expect(algorithms.every((algorithm) => (DIGITAL_SIGNATURE_ALGORITHMS as string[]).includes(algorithm))).toBe(
          true,
        );
      }),
    );
  });

  it('prefers one whose authority was asked for (RFC 7296 section 3.7), as a suggestion', () => {
    const asked = (...authorities: readonly Uint8Array[]) =>
      choose({ asksForCertificate: true, authorities: authorities.map(toHex) })?.[0];
    expect(asked(CA2)).toBe('ecdsa');
    expect(asked(CA3, CA2)).toBe('ecdsa');
    expect(asked(CA2, CA1)).toBe('rsa');
    expect(asked(CA3)).toBe('rsa');
  });

  it('prefers one with a raw public key where that was asked for (RFC 7670)', () => {
    expect(choose({ asksForRawPublicKey: true })?.[0]).toBe('ecdsa');
  });

  it('keeps to the methods that the peer announced (RFC 9593), and to ours when none is', () => {
    expect(choose({ methods: [digital('rsa-pkcs1-sha2-256')] })).toEqual(['rsa', 'rsa-pkcs1-sha2-256']);
    expect(choose({ methods: [digital('ecdsa-sha2-512')] })).toEqual(['ecdsa', 'ecdsa-sha2-512']);
    expect(choose({ methods: [{ kind: 'method', method: 2 }] })?.[0]).toBe('rsa');
    expect(choose({ methods: [digital('ed448')] })?.[0]).toBe('rsa');
    expect(
      chooseCredential(CREDENTIALS, undefined, {
        ...NO_HINTS,
        methods: [{ kind: 'signature', method: 9, certLink: 0 }],
      }),
    ).toEqual({ credential: ecdsa, algorithms: ['ecdsa-p256'] });
  });

  it('follows the links of announcements to authorities, and ignores them where no CERTREQ came (section 3.2.2)', () => {
    const authorities = [CA1, CA2, CA3].map(toHex);
    const linked = (link: number, list: readonly string[] = authorities) =>
      choose({
        authorities: list,
        asksForCertificate: true,
        methods: [digital('ecdsa-sha2-256', link), digital('rsa-pss-sha2-256', 3)],
      });
    expect(linked(2)).toEqual(['ecdsa', 'ecdsa-sha2-256']);
    // Tied to authorities that did not issue ours: no announcement fits, and the authority asked for decides.
    expect(linked(1)).toEqual(['rsa', 'rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256']);
    expect(linked(200)).toEqual(['rsa', 'rsa-pss-sha2-256', 'rsa-pkcs1-sha2-256']);
    expect(linked(1, [])).toEqual(['rsa', 'rsa-pss-sha2-256']);
  });

  it('finds something whenever something can be signed, whatever the peer says', () => {
    const announced = fc
      .constantFrom(...DIGITAL_SIGNATURE_ALGORITHMS)
      .chain((algorithm) => fc.nat(255).map((link) => digital(algorithm, link)));
    const hints = fc.record({
      authorities: fc.subarray([CA1, CA2, CA3].map(toHex)),
      asksForCertificate: fc.boolean(),
      asksForRawPublicKey: fc.boolean(),
      methods: fc.option(fc.array(announced, { maxLength: 4 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(hints, fc.subarray(ALL_HASHES), (some, hashes) => {
        const choice = chooseCredential(CREDENTIALS, hashes, some);
        expect(choice === undefined).toBe(hashes.every((known) => ![2, 4, 5].includes(known)));
        for (const algorithm of choice?.algorithms ?? []) {
          expect(hashes).toContain(HASH_OF[algorithm as DigitalSignatureAlgorithm]);
          expect(choice?.credential.algorithms).toContain(algorithm);
        }
      }),
    );
  });
});

describe('The CERT payloads of a credential', () => {
  it('are its certificates in their order, the own one first', () => {
    expect(certificatePayloads(rsa, NO_HINTS)).toEqual([
      { kind: 'CERT', encoding: 4, data: Uint8Array.of(1) },
      { kind: 'CERT', encoding: 4, data: Uint8Array.of(2) },
    ]);
    expect(certificatePayloads(ecdsa, NO_HINTS)).toEqual([{ kind: 'CERT', encoding: 4, data: Uint8Array.of(3) }]);
  });

  it('are the raw public key where that alone was asked for, or there is nothing else', () => {
    const raw = (octet: number) => [{ kind: 'CERT', encoding: 15, data: Uint8Array.of(octet) }];
    expect(certificatePayloads(ecdsa, { ...NO_HINTS, asksForRawPublicKey: true })).toEqual(raw(9));
    expect(certificatePayloads(ecdsa, { ...NO_HINTS, asksForRawPublicKey: true, asksForCertificate: true })).toEqual([
      { kind: 'CERT', encoding: 4, data: Uint8Array.of(3) },
    ]);
    expect(certificatePayloads(eddsa, NO_HINTS)).toEqual(raw(8));
  });
});

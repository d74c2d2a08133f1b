import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { Extension, KeyUsageFlags } from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KeyKind, TestCredential } from '../../../test/support/test-authority.js';
import { KEY_USAGE, parseCertificate } from './certificate.js';
import { DerError } from './der.js';

const KINDS: readonly KeyKind[] = ['p256', 'p384', 'p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448'];
const ALGORITHMS = [
  'ecdsa-sha2-256',
  'ecdsa-sha2-384',
  'ecdsa-sha2-512',
  'rsa-pkcs1-sha2-256',
  'rsa-pss-sha2-256',
  'ed25519',
  'ed448',
];

describe('An X.509 certificate', () => {
  let root: TestCredential;
  let leaf: TestCredential;

  beforeAll(async () => {
    root = await TestCredential.root('CN=Root');
    leaf = await root.issue('CN=leaf, O=Weft', {
      names: [
        { type: 'dns', value: 'edge.example' },
        { type: 'email', value: 'edge@example.org' },
        { type: 'ip', value: '192.0.2.1' },
        { type: 'ip', value: '2001:db8::1' },
        { type: 'url', value: 'spiffe://weft.internal/edge/1' },
      ],
      purposes: ['1.3.6.1.5.5.7.3.17'],
    });
  });

  it.each(KINDS.map((kind, index) => [kind, ALGORITHMS[index]] as const))(
    'reads as OpenSSL reads it, with a key of kind %s and signed with %s',
    async (kind, algorithm) => {
      const { der } = await TestCredential.root('CN=Root, O=Weft', { key: kind });
      const [ours, openssl] = [parseCertificate(der), new X509Certificate(der)];
      expect(ours.notBefore).toBe(Date.parse(openssl.validFrom));
      expect(ours.notAfter).toBe(Date.parse(openssl.validTo));
      expect(ours.publicKey.equals(openssl.publicKey)).toBe(true);
      expect(ours.signature?.algorithm).toBe(algorithm);
      expect(ours.authority !== undefined).toBe(openssl.ca);
      expect(Buffer.compare(ours.subject, ours.issuer)).toBe(0);
    },
  );

  it('shows its names, usages and constraints', () => {
    const parsed = parseCertificate(leaf.der);
    expect(parsed.alternativeNames).toMatchObject([
      { kind: 'dns', text: 'edge.example' },
      { kind: 'email', text: 'edge@example.org' },
      { kind: 'ip', address: Uint8Array.of(192, 0, 2, 1) },
      { kind: 'ip', address: { length: 16 } },
      { kind: 'uri', text: 'spiffe://weft.internal/edge/1' },
    ]);
    expect(parsed.keyUsage).toEqual(new Set([KEY_USAGE.digitalSignature]));
    expect(parsed.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.17']);
    expect(parsed.authority).toBeUndefined();
    expect(parsed.unsupported).toEqual([]);
    const authority = parseCertificate(root.der);
    expect(authority.authority).toEqual({ pathLength: undefined });
    expect(authority.keyUsage).toEqual(new Set([5, 6]));
  });

  it('says which extensions limit it in ways that we do not know', async () => {
    const critical = new Extension('1.2.3.4', true, Uint8Array.of(5, 0));
    const harmless = new Extension('1.2.3.5', false, Uint8Array.of(5, 0));
    const constraints = new Extension('2.5.29.30', false, Uint8Array.of(0x30, 0));
    const { der } = await root.issue('CN=x', { extensions: [critical, harmless, constraints] });
    expect(parseCertificate(der).unsupported).toEqual(['1.2.3.4', '2.5.29.30']);
  });

  it('refuses names that end early for readers of C strings', async () => {
    const value = Buffer.concat([Buffer.from('300e820c', 'hex'), Buffer.from('edge.a\0.evil')]);
    const { der } = await root.issue('CN=x', { extensions: [new Extension('2.5.29.17', false, value)] });
    expect(() => parseCertificate(der)).toThrow(/characters that no name has/);
  });

  it.each([
    [
      'twice one extension',
      [new Extension('1.2.3', false, Uint8Array.of(5, 0)), new Extension('1.2.3', false, Uint8Array.of(5, 0))],
    ],
    ['an empty list of names', [new Extension('2.5.29.17', false, Uint8Array.of(0x30, 0))]],
    [
      'an address of five octets',
      [new Extension('2.5.29.17', false, Buffer.from('3007870501020304 05'.replace(' ', ''), 'hex'))],
    ],
    [
      'basic constraints that go on',
      [new Extension('2.5.29.19', true, Buffer.from('30060101ff0201000500'.slice(0, 20), 'hex'))],
    ],
  ])('refuses %s', async (_, extensions) => {
    const { der } = await root.issue('CN=x', { extensions, keyUsage: KeyUsageFlags.digitalSignature });
    expect(() => parseCertificate(der)).toThrow(DerError);
  });

  it('refuses what is too long, not of version 3, or followed by more', () => {
    expect(() => parseCertificate(new Uint8Array(16_385))).toThrow(/16384/);
    expect(() => parseCertificate(Buffer.concat([leaf.der, Uint8Array.of(0)]))).toThrow(DerError);
  });

  it('ends on every changed octet with a certificate or a DerError', () => {
    fc.assert(
      fc.property(fc.nat(leaf.der.length - 1), fc.nat(255), (at, value) => {
        const changed = leaf.der.slice();
        changed[at] = value;
        try {
          parseCertificate(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

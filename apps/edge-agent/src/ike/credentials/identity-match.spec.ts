import 'reflect-metadata';
import { ID_TYPE } from '@weft/ipsec-core/ike';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestCredential } from '../../../test/support/test-authority.js';
import { type Certificate, parseCertificate } from './certificate.js';
import { isNamed } from './identity-match.js';

const text = (type: number, value: string) => ({ type, data: Buffer.from(value) });
const octets = (type: number, hex: string) => ({ type, data: Buffer.from(hex, 'hex') });

describe('A certificate and an identity (RFC 4945 section 3.1)', () => {
  let certificate: Certificate;
  let bare: Certificate;

  beforeAll(async () => {
    const names = [
      { type: 'dns', value: 'Edge.Example' },
      { type: 'dns', value: '*.example.net' },
      { type: 'email', value: 'Edge@Example.org' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::1' },
      { type: 'url', value: 'spiffe://weft.internal/edge/1' },
    ] as const;
    certificate = parseCertificate((await TestCredential.root('CN=cn.example', { names })).der);
    bare = parseCertificate((await TestCredential.root('CN=cn.example')).der);
  });

  it.each([
    ['a domain name, case aside', () => text(ID_TYPE.FQDN, 'edge.example')],
    ['a mailbox, case aside (section 3.1.3)', () => text(ID_TYPE.RFC822_ADDR, 'edge@example.ORG')],
    ['an IPv4 address', () => octets(ID_TYPE.IPV4_ADDR, 'c0000201')],
    ['an IPv6 address', () => octets(ID_TYPE.IPV6_ADDR, '20010db8000000000000000000000001')],
    ['a distinguished name', () => ({ type: ID_TYPE.DER_ASN1_DN, data: certificate.subject })],
    [
      'a general name',
      () => octets(ID_TYPE.DER_ASN1_GN, `861d${Buffer.from('spiffe://weft.internal/edge/1').toString('hex')}`),
    ],
  ])('meet by %s', (_, identity) => {
    expect(isNamed(certificate, identity())).toBe(true);
    expect(isNamed(bare, identity())).toBe(identity().type === ID_TYPE.DER_ASN1_DN);
  });

  it('do not meet by an empty distinguished name, even where the subject is empty (section 3.1.5)', async () => {
    const nameless = parseCertificate((await TestCredential.root('')).der);
    expect(nameless.subject).toEqual(Uint8Array.of(0x30, 0));
    expect(isNamed(nameless, octets(ID_TYPE.DER_ASN1_DN, '3000'))).toBe(false);
  });

  it.each([
    ['another domain name', text(ID_TYPE.FQDN, 'edge.example.com')],
    ['a subdomain', text(ID_TYPE.FQDN, 'a.edge.example')],
    ['what a wildcard would cover', text(ID_TYPE.FQDN, 'a.example.net')],
    ['the common name', text(ID_TYPE.FQDN, 'cn.example')],
    ['a mail address as a domain name', text(ID_TYPE.FQDN, 'Edge@Example.org')],
    ['a domain name as a mail address', text(ID_TYPE.RFC822_ADDR, 'edge.example')],
    ['another mailbox', text(ID_TYPE.RFC822_ADDR, 'edge2@example.org')],
    ['a part of a mailbox', text(ID_TYPE.RFC822_ADDR, 'example.org')],
    ['another address', octets(ID_TYPE.IPV4_ADDR, 'c0000202')],
    ['the address as text', text(ID_TYPE.FQDN, '192.0.2.1')],
    ['a key ID', text(ID_TYPE.KEY_ID, 'edge.example')],
    ['no name at all', text(ID_TYPE.FQDN, '')],
    ['an empty distinguished name', octets(ID_TYPE.DER_ASN1_DN, '3000')],
  ])('do not meet by %s', (_, identity) => {
    expect(isNamed(certificate, identity)).toBe(false);
  });
});

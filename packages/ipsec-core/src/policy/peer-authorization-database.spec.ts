import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameDer } from '../../test/support/distinguished-names.js';
import { ID_TYPE } from '../wire/ike/iana.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import { parseAddress, parsePrefix } from '../wire/ip/address.js';
import { ATTRIBUTE_TYPE, type DistinguishedName } from '../wire/x509/distinguished-name.js';
import {
  authorizedSelectors,
  createPeerAuthorizationDatabase,
  type PeerAuthentication,
  type PeerAuthorization,
} from './peer-authorization-database.js';
import type { PeerIdentifier } from './peer-identity.js';

const text = (type: number, value: string): Identity => ({ type, data: Uint8Array.from(Buffer.from(value)) });
const fqdn = (name: string) => text(ID_TYPE.FQDN, name);
const email = (address: string) => text(ID_TYPE.RFC822_ADDR, address);
const keyId = (value: string) => text(ID_TYPE.KEY_ID, value);
const address = (value: string): Identity => {
  const data = parseAddress(value);
  return { type: data.length === 4 ? ID_TYPE.IPV4_ADDR : ID_TYPE.IPV6_ADDR, data };
};
const { C, ST, O, CN } = ATTRIBUTE_TYPE;
const dn = (...steps: (readonly [string, string])[]): Identity => ({
  type: ID_TYPE.DER_ASN1_DN,
  data: nameDer(steps.map((step) => [step])),
});
const name = (...steps: (readonly [string, string])[]): DistinguishedName =>
  steps.map(([type, value]) => [{ type, value }]);
const range = (prefix: string) => parsePrefix(prefix).range;

const PSK: PeerAuthentication = { method: 'pre-shared-secret', secret: 'branch' };
const entry = (entryId: string, peer: PeerIdentifier, more: Partial<PeerAuthorization> = {}): PeerAuthorization => ({
  entryId,
  peer,
  authentication: PSK,
  children: { lookup: 'by-traffic-selectors', addresses: [range('10.0.0.0/8')] },
  ...more,
});
const KENT = [
  [C, 'US'],
  [ST, 'MA'],
  [O, 'BBN Technologies'],
  [CN, 'Stephen'],
] as const;

describe('peer authorization database (RFC 4301 section 4.4.3)', () => {
  const rows: readonly (readonly [string, PeerIdentifier, readonly Identity[], readonly Identity[]])[] = [
    [
      'a DNS name',
      { kind: 'dns-name', name: 'Foo.example.com' },
      [fqdn('foo.example.com'), fqdn('FOO.EXAMPLE.COM')],
      [
        fqdn('foo.example.com.'),
        fqdn('a.foo.example.com'),
        fqdn('foo.example.com\0'),
        email('foo.example.com'),
        fqdn(''),
      ],
    ],
    [
      'a partial DNS name',
      { kind: 'dns-name', name: '.example.com' },
      [fqdn('foo.example.com'), fqdn('a.b.Example.com')],
      [
        fqdn('example.com'),
        fqdn('.example.com'),
        fqdn('badexample.com'),
        fqdn('foo.example.com.evil'),
        fqdn('a b.example.com'),
      ],
    ],
    [
      'an e-mail address',
      { kind: 'email-address', address: 'foo@example.com' },
      [email('foo@example.com'), email('foo@EXAMPLE.com')],
      [email('Foo@example.com'), email('afoo@example.com'), email('foo@a.example.com'), fqdn('foo@example.com')],
    ],
    [
      'everybody at a domain',
      { kind: 'email-address', address: '@example.com' },
      [email('foo@example.com'), email('"a@b"@example.com')],
      [
        email('@example.com'),
        email('foo@a.example.com'),
        email('foo@badexample.com'),
        email('foo@example.com@evil.org'),
      ],
    ],
    [
      'everybody at hosts below a domain',
      { kind: 'email-address', address: '.example.com' },
      [email('mozart@foo.example.com')],
      [email('mozart@example.com'), email('mozart@.example.com'), email('foo.example.com')],
    ],
    [
      'a distinguished name',
      { kind: 'distinguished-name', name: name(...KENT), match: 'complete' },
      [dn(...KENT), dn([C, 'us'], [ST, 'MA'], [O, 'BBN  Technologies'], [CN, 'STEPHEN'])],
      [dn(...KENT.slice(0, 3)), dn(...KENT, [CN, 'x']), dn(...KENT.toReversed()), fqdn('Stephen')],
    ],
    [
      'a sub-tree',
      { kind: 'distinguished-name', name: name(...KENT.slice(0, 2)), match: 'sub-tree' },
      [dn(...KENT), dn(...KENT.slice(0, 2))],
      [
        dn([C, 'US']),
        dn([ST, 'MA'], [C, 'US']),
        dn([C, 'US'], [ST, 'NY'], [CN, 'x']),
        { type: ID_TYPE.DER_ASN1_DN, data: Uint8Array.of(0x30) },
      ],
    ],
    [
      'IPv4 addresses',
      { kind: 'address', range: { first: parseAddress('192.0.2.1'), last: parseAddress('192.0.2.10') } },
      [address('192.0.2.1'), address('192.0.2.10')],
      [address('192.0.2.0'), address('192.0.2.11'), address('::c000:201'), fqdn('192.0.2.1')],
    ],
    [
      'IPv6 addresses',
      { kind: 'address', range: range('2001:db8::/32') },
      [address('2001:db8::1'), address('2001:db8:ffff::')],
      [address('2001:db9::'), address('32.1.13.184')],
    ],
    [
      'a Key ID',
      { kind: 'key-id', octets: Uint8Array.from(Buffer.from('branch-7')) },
      [keyId('branch-7')],
      [keyId('branch-77'), keyId('branch-'), keyId('Branch-7'), fqdn('branch-7'), keyId('')],
    ],
  ];

  it.each(rows)('knows %s (section 4.4.3.1)', (_, peer, known, unknown) => {
    const database = createPeerAuthorizationDatabase([entry('e', peer)]);
    for (const identity of known) expect(database.lookup(identity)?.entryId).toBe('e');
    for (const identity of unknown) expect(database.lookup(identity)).toBeUndefined();
  });

  it('is ordered: of a name and the group that it belongs to, the first entry decides', () => {
    const one: PeerIdentifier = { kind: 'dns-name', name: 'foo.example.com' };
    const group: PeerIdentifier = { kind: 'dns-name', name: '.example.com' };
    const found = (...entries: PeerAuthorization[]) =>
      createPeerAuthorizationDatabase(entries).lookup(fqdn('foo.example.com'))?.entryId;
    expect(found(entry('one', one), entry('group', group))).toBe('one');
    expect(found(entry('group', group), entry('one', one))).toBe('group');
  });

  it('knows nobody whose identity is of no type that it has, and takes any octets', () => {
    const database = createPeerAuthorizationDatabase(rows.map(([what, peer]) => entry(what, peer)));
    expect(database.lookup({ type: ID_TYPE.NULL, data: new Uint8Array(0) })).toBeUndefined();
    expect(database.lookup({ type: ID_TYPE.DER_ASN1_GN, data: nameDer([[[CN, 'x']]]) })).toBeUndefined();
    fc.assert(
      fc.property(fc.nat({ max: 14 }), fc.uint8Array({ maxLength: 40 }), (type, data) => {
        database.lookup({ type, data });
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves a peer only those traffic selectors that it may represent (section 4.4.3.4)', () => {
    const addresses = [range('10.1.0.0/16'), range('2001:db8:1::/48')];
    const mine = entry(
      'e',
      { kind: 'dns-name', name: 'a.example' },
      {
        children: { lookup: 'by-traffic-selectors', addresses },
      },
    );
    const part = (prefix: string): WireSelector => {
      const { first, last } = range(prefix);
      return { type: 'range', protocol: 6, startPort: 80, endPort: 80, first, last };
    };
    expect(authorizedSelectors(mine, [part('10.1.2.0/24'), part('10.2.0.0/16'), part('2001:db8:1:2::/64')])).toEqual([
      part('10.1.2.0/24'),
      part('2001:db8:1:2::/64'),
    ]);
    expect(authorizedSelectors(mine, [part('0.0.0.0/0')])).toEqual([part('10.1.0.0/16')]);
    expect(authorizedSelectors(mine, [part('192.0.2.0/24')])).toEqual([]);
    const unknown: WireSelector = { type: 'unknown', number: 9, protocol: 0, body: new Uint8Array(0) };
    expect(authorizedSelectors(mine, [unknown])).toEqual([]);
    const named = { ...mine, children: { lookup: 'by-name' } } as const;
    expect(authorizedSelectors(named, [part('192.0.2.0/24')])).toEqual([part('192.0.2.0/24')]);
  });

  const dns = (value: string): PeerIdentifier => ({ kind: 'dns-name', name: value });
  const certificate: PeerAuthentication = {
    method: 'certificate',
    trustAnchors: ['fabric'],
    identityInCertificate: 'required',
  };
  it.each([
    ['[0].peer.name', 'MALFORMED_IDENTITY', entry('e', dns('example..com'))],
    ['[0].peer.name', 'MALFORMED_IDENTITY', entry('e', dns('.'))],
    ['[0].peer.name', 'MALFORMED_IDENTITY', entry('e', dns(`${'a'.repeat(63)}.`.repeat(5)))],
    ['[0].peer.address', 'MALFORMED_IDENTITY', entry('e', { kind: 'email-address', address: 'foo' })],
    ['[0].peer.address', 'MALFORMED_IDENTITY', entry('e', { kind: 'email-address', address: '@' })],
    ['[0].peer.name', 'MALFORMED_IDENTITY', entry('e', { kind: 'distinguished-name', name: [], match: 'sub-tree' })],
    ['[0].peer.octets', 'MALFORMED_IDENTITY', entry('e', { kind: 'key-id', octets: new Uint8Array(0) })],
    [
      '[0].peer.range[0]',
      'MALFORMED_RANGE',
      entry('e', { kind: 'address', range: { first: parseAddress('10.0.0.2'), last: parseAddress('10.0.0.1') } }),
    ],
    [
      '[0].authentication.trustAnchors',
      'NO_CREDENTIAL',
      entry('e', dns('a.b'), { authentication: { ...certificate, trustAnchors: [] } }),
    ],
    [
      '[0].authentication.identityInCertificate',
      'MALFORMED_IDENTITY',
      entry('e', { kind: 'key-id', octets: Uint8Array.of(1) }, { authentication: certificate }),
    ],
    [
      '[0].authentication.secret',
      'NO_CREDENTIAL',
      entry('e', dns('a.b'), { authentication: { ...PSK, secret: '' } as PeerAuthentication }),
    ],
    [
      '[0].authentication.subjectPublicKeyInfo',
      'NO_CREDENTIAL',
      entry('e', dns('a.b'), { authentication: { method: 'raw-public-key', subjectPublicKeyInfo: new Uint8Array(0) } }),
    ],
    [
      '[0].children.addresses',
      'NO_AUTHORIZATION',
      entry('e', dns('a.b'), { children: { lookup: 'by-traffic-selectors', addresses: [] } }),
    ],
    [
      '[0].children.lookup',
      'NO_AUTHORIZATION',
      entry('e', { kind: 'address', range: range('10.0.0.0/8') }, { children: { lookup: 'by-name' } }),
    ],
  ] as const)('refuses at %s with %s', (path, code, wrong) => {
    expect(() => createPeerAuthorizationDatabase([wrong])).toThrowError(expect.objectContaining({ path, code }));
  });

  it('refuses two entries of one name', () => {
    const twice = [entry('e', dns('a.b')), entry('e', dns('c.d'))];
    expect(() => createPeerAuthorizationDatabase(twice)).toThrowError(/^\[1\]\.entryId: "e" occurs twice/);
  });
});

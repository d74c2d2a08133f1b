import 'reflect-metadata';
import { Extension, KeyUsageFlags } from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RevocationOptions, TestCredential } from '../../../test/support/test-authority.js';
import { parseCertificate } from './certificate.js';
import { validatePath } from './certificate-path.js';
import { parseRevocationList } from './certificate-revocation-list.js';
import { DerError } from './der.js';

const HOUR = 3_600_000;
const names = [{ type: 'dns', value: 'edge.example' }] as const;

describe('Revocation (RFC 5280 section 6.3)', () => {
  let root: TestCredential;
  let middle: TestCredential;
  let leaf: TestCredential;

  beforeAll(async () => {
    root = await TestCredential.root('CN=Root', { keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign });
    middle = await root.issue('CN=Middle', { pathLength: 0 });
    leaf = await middle.issue('CN=leaf', { names });
  });

  const verdict = async (lists: readonly Uint8Array[], required = true) => {
    const [first, second, anchor] = [leaf, middle, root].map(({ der }) => parseCertificate(der));
    const revocation = { lists: lists.map(parseRevocationList), required };
    const result = await validatePath(first!, [second!], [anchor!], Date.now(), revocation);
    return result.ok ? 'ok' : result.problem.code;
  };
  /** Of a certificate of `middle`, when that has a list with such options. */
  const verdictOf = async (
    end: TestCredential,
    options: RevocationOptions,
    revoked: readonly TestCredential[] = [],
  ): Promise<string> => {
    const lists = [await root.revoke([]), await middle.revoke(revoked, options)].map(parseRevocationList);
    const [first, second, anchor] = [end, middle, root].map((each) => parseCertificate(each.der));
    const result = await validatePath(first!, [second!], [anchor!], Date.now(), { lists, required: true });
    return result.ok ? 'ok' : result.problem.code;
  };
  const revoke = (authority: TestCredential, revoked: readonly TestCredential[], options: RevocationOptions = {}) =>
    authority.revoke(revoked, options);

  it('is known from a list of each issuer on the way', async () => {
    const good = [await revoke(root, []), await revoke(middle, [])];
    expect(await verdict(good)).toBe('ok');
    expect(await verdict([good[0]!, await revoke(middle, [leaf])])).toBe('revoked');
    expect(await verdict([await revoke(root, [middle]), good[1]!])).toBe('revoked');
  });

  it('fails closed where it is required, and only there', async () => {
    expect(await verdict([])).toBe('revocation_unknown');
    expect(await verdict([await revoke(root, [])])).toBe('revocation_unknown');
    expect(await verdict([await revoke(middle, [])])).toBe('revocation_unknown');
    expect(await verdict([], false)).toBe('ok');
    expect(await verdict([await revoke(middle, [leaf])], false)).toBe('revoked');
  });

  it('is not told by a list that is out of date, not yet in force, or of somebody else', async () => {
    const of = async (list: Uint8Array) => verdict([await revoke(root, []), list]);
    expect(await of(await revoke(middle, [], { validFrom: -2 * HOUR, validFor: HOUR }))).toBe('revocation_unknown');
    expect(await of(await revoke(middle, [], { validFrom: HOUR }))).toBe('revocation_unknown');
    const impostor = await TestCredential.root('CN=Middle');
    expect(await of(await revoke(impostor, []))).toBe('revocation_unknown');
    // An impostor cannot have anybody refused either.
    expect(await verdict([await revoke(impostor, [leaf])], false)).toBe('ok');
  });

  it('is told by any list in force: neither another one nor a forged one hides it (RFC 4945 section 5.2.1)', async () => {
    const [older, newer] = [await revoke(middle, [], { validFrom: -HOUR }), await revoke(middle, [leaf])];
    const impostor = await TestCredential.root('CN=Middle');
    const forged = await revoke(impostor, [], { validFrom: -1000 });
    for (const required of [false, true]) {
      expect(await verdict([await revoke(root, []), older, newer, forged], required)).toBe('revoked');
    }
    expect(await verdict([await revoke(middle, [leaf], { validFrom: -HOUR }), await revoke(middle, [])], false)).toBe(
      'revoked',
    );
  });

  it('costs a bounded number of signatures, and then the peer is refused', async () => {
    const impostor = await TestCredential.root('CN=Middle');
    const forge = (revoked: readonly TestCredential[]) =>
      Promise.all(Array.from({ length: 40 }, () => revoke(impostor, revoked)));
    expect(await verdict([await revoke(root, []), ...(await forge([]))])).toBe('too_much_work');
    expect(await verdict(await forge([leaf]), false)).toBe('too_much_work');
  });

  it('is not told by a list with a critical extension, which may mean anything (section 5.2)', async () => {
    const partial = new Extension('2.5.29.28', true, Uint8Array.of(0x30, 0));
    const list = await revoke(middle, [], { extensions: [partial] });
    expect(parseRevocationList(list).unsupported).toEqual(['2.5.29.28']);
    expect(await verdict([await revoke(root, []), list])).toBe('revocation_unknown');
    const harmless = await revoke(middle, [], {
      extensions: [new Extension('2.5.29.20', false, Uint8Array.of(2, 1, 1))],
    });
    expect(await verdict([await revoke(root, []), harmless])).toBe('ok');
  });

  it('is told by a list of one of its distribution points, and of no other (RFC 4945 section 5.1.3.13)', async () => {
    const pointed = await middle.issue('CN=pointed', {
      names,
      extensions: [
        pointsOf([url('http://a.example/1.crl'), url('ldap://b.example/1')], [url('http://c.example/1.crl')]),
      ],
    });
    const of = (end: TestCredential, scope: Uint8Array, revoked: readonly TestCredential[] = []) =>
      verdictOf(end, { extensions: [new Extension('2.5.29.28', true, scope)] }, revoked);
    for (const name of ['http://a.example/1.crl', 'ldap://b.example/1', 'http://c.example/1.crl']) {
      expect(await of(pointed, scopeOf([url(name)]))).toBe('ok');
    }
    expect(await of(pointed, scopeOf([url('http://d.example/'), url('http://c.example/1.crl')]))).toBe('ok');
    expect(await of(pointed, scopeOf([url('http://a.example/2.crl')]))).toBe('revocation_unknown');
    expect(await of(leaf, scopeOf([url('http://a.example/1.crl')]))).toBe('revocation_unknown');
    // The same octets as another kind of name are another name.
    expect(await of(pointed, scopeOf([der(0x82, Buffer.from('http://a.example/1.crl'))]))).toBe('revocation_unknown');
    // Without a name of its own, the place is the issuer (RFC 5280 section 6.3.3).
    const issuer = der(0xa4, parseCertificate(middle.der).subject);
    expect([await of(leaf, scopeOf([issuer])), await of(pointed, scopeOf([issuer]))]).toEqual(['ok', 'ok']);
    expect(await of(leaf, scopeOf([der(0xa4, parseCertificate(root.der).subject)]))).toBe('revocation_unknown');
    // Whoever is revoked is, wherever it is told.
    expect(await of(pointed, scopeOf([url('http://a.example/2.crl')]), [pointed])).toBe('revoked');
  });

  it('is not told for all reasons by a distribution point of some, or of another issuer', async () => {
    const name = der(0xa0, der(0xa0, url('http://a.example/')));
    for (const more of [der(0x81, Uint8Array.of(1, 2)), der(0xa2, der(0xa4, parseCertificate(root.der).subject))]) {
      const points = new Extension('2.5.29.31', false, der(0x30, der(0x30, name, more)));
      const end = await middle.issue('CN=some', { names, extensions: [points] });
      const scope = new Extension('2.5.29.28', true, scopeOf([url('http://a.example/')]));
      expect(await verdictOf(end, { extensions: [scope] })).toBe('revocation_unknown');
    }
  });

  it('is told of those that a list is for: users, or authorities', async () => {
    const [users, authorities] = [Uint8Array.of(0x30, 3, 0x81, 1, 0xff), Uint8Array.of(0x30, 3, 0x82, 1, 0xff)];
    const list = (authority: TestCredential, scope: Uint8Array) =>
      revoke(authority, [], { extensions: [new Extension('2.5.29.28', true, scope)] });
    expect(await verdict([await list(root, authorities), await list(middle, users)])).toBe('ok');
    expect(await verdict([await list(root, users), await list(middle, users)])).toBe('revocation_unknown');
    expect(await verdict([await list(root, authorities), await list(middle, authorities)])).toBe('revocation_unknown');
    for (const tag of [0x84, 0x85]) {
      const scope = Uint8Array.of(0x30, 3, tag, 1, 0xff);
      expect(parseRevocationList(await list(middle, scope)).unsupported).toEqual(['2.5.29.28']);
    }
    expect(parseRevocationList(await list(middle, Uint8Array.of(0x30, 4, 0x83, 2, 1, 2))).unsupported).toHaveLength(1);
  });

  it('is not told by an authority whose key is not for lists (section 6.3.3)', async () => {
    const authority = await TestCredential.root('CN=Root', { keyUsage: KeyUsageFlags.keyCertSign });
    const end = parseCertificate((await authority.issue('CN=leaf', { names })).der);
    const revocation = { lists: [parseRevocationList(await revoke(authority, []))], required: true };
    const result = await validatePath(end, [], [parseCertificate(authority.der)], Date.now(), revocation);
    expect(result).toMatchObject({ ok: false, problem: { code: 'revocation_unknown' } });
  });

  it('is read from octets without ever throwing anything but DerError', async () => {
    const list = await revoke(middle, [leaf, root]);
    expect(parseRevocationList(list).revoked.size).toBe(2);
    fc.assert(
      fc.property(fc.nat(list.length - 1), fc.nat(255), (at, value) => {
        const changed = list.slice();
        changed[at] = value;
        try {
          parseRevocationList(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 1000 },
    );
    expect(() => parseRevocationList(new Uint8Array((1 << 20) + 1))).toThrow(/more than/);
    expect(() => parseRevocationList(Buffer.concat([list, Uint8Array.of(0)]))).toThrow(DerError);
  });
});

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  if (content.length > 0xff) throw new Error('too long for these tests');
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return Uint8Array.of(tag, ...length, ...content);
}

/** A GeneralName. */
function url(text: string): Uint8Array {
  return der(0x86, Buffer.from(text));
}

/** cRLDistributionPoints: a place for each list of names. */
function pointsOf(...points: readonly (readonly Uint8Array[])[]): Extension {
  const each = points.map((names) => der(0x30, der(0xa0, der(0xa0, ...names))));
  return new Extension('2.5.29.31', false, der(0x30, ...each));
}

/** issuingDistributionPoint. */
function scopeOf(names: readonly Uint8Array[]): Uint8Array {
  return der(0x30, der(0xa0, der(0xa0, ...names)));
}

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

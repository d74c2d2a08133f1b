import 'reflect-metadata';
import { Extension, KeyUsageFlags } from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { type IssueOptions, type KeyKind, TestCredential } from '../../../test/support/test-authority.js';
import { parseCertificate } from './certificate.js';
import { validatePath } from './certificate-path.js';

const HOUR = 3_600_000;
const names = [{ type: 'dns', value: 'edge.example' }] as const;

/** `chain` is the leaf and what came with it; the problem's code, or "ok". */
async function verdict(
  chain: readonly TestCredential[],
  anchors: readonly TestCredential[],
  now = Date.now(),
): Promise<string> {
  const [leaf, ...others] = chain.map(({ der }) => parseCertificate(der));
  const result = await validatePath(
    leaf!,
    others,
    anchors.map(({ der }) => parseCertificate(der)),
    now,
  );
  return result.ok ? 'ok' : result.problem.code;
}

describe('A certification path', () => {
  let root: TestCredential;
  let middle: TestCredential;
  let lower: TestCredential;
  let leaf: TestCredential;

  beforeAll(async () => {
    root = await TestCredential.root('CN=Root');
    middle = await root.issue('CN=Middle', { pathLength: 1 });
    lower = await middle.issue('CN=Lower', { pathLength: 0 });
    leaf = await lower.issue('CN=leaf', { names });
  });

  it('is found over intermediates in any order, beside others that lead nowhere', async () => {
    const stranger = await TestCredential.root('CN=Stranger');
    expect(await verdict([leaf, lower, middle], [root])).toBe('ok');
    expect(await verdict([leaf, stranger, middle, root, lower], [stranger, root])).toBe('ok');
    expect(await verdict([leaf, lower], [middle])).toBe('ok');
    expect(await verdict([leaf], [leaf])).toBe('ok');
  });

  it('is missing when a link or the anchor is', async () => {
    const other = await TestCredential.root('CN=Other');
    expect(await verdict([leaf, middle], [root])).toBe('no_issuer');
    expect(await verdict([leaf, lower, middle], [other])).toBe('no_issuer');
    expect(await verdict([leaf, lower, middle, root], [])).toBe('no_issuer');
  });

  it('needs the signature of the key that the issuer name stands for', async () => {
    const impostor = await TestCredential.root('CN=Root');
    const forged = await impostor.issue('CN=leaf', { names });
    expect(await verdict([forged], [root])).toBe('bad_signature');
    expect(await verdict([forged, impostor], [root])).toBe('bad_signature');
    expect(await verdict([forged], [root, impostor])).toBe('ok');
  });

  it.each<KeyKind>(['p256', 'p384', 'p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448'])(
    'holds with signatures by %s',
    async (key) => {
      const authority = await TestCredential.root('CN=Authority', { key });
      expect(await verdict([await authority.issue('CN=x', { names, key })], [authority])).toBe('ok');
    },
  );

  it('ends with time, at every place', async () => {
    const now = Date.now();
    const late = await root.issue('CN=x', { names, validFrom: HOUR });
    const early = await root.issue('CN=x', { names, validFrom: -2 * HOUR, validFor: HOUR });
    const oldRoot = await TestCredential.root('CN=Old', { validFrom: -2 * HOUR, validFor: HOUR });
    expect(await verdict([late], [root])).toBe('not_yet_valid');
    expect(await verdict([late], [root], now + 2 * HOUR)).toBe('ok');
    expect(await verdict([early], [root])).toBe('expired');
    expect(await verdict([await oldRoot.issue('CN=x', { names })], [oldRoot])).toBe('expired');
  });

  it('does not lead over certificates that are no authority', async () => {
    const end = await root.issue('CN=End', { names, keyUsage: KeyUsageFlags.digitalSignature });
    const below = await end.issue('CN=x', { names });
    expect(await verdict([below, end], [root])).toBe('not_an_authority');
    const noSigner = await root.issue('CN=NoSigner', { pathLength: null, keyUsage: KeyUsageFlags.cRLSign });
    expect(await verdict([await noSigner.issue('CN=x', { names }), noSigner], [root])).toBe('key_usage');
  });

  it('is no longer than its authorities allow', async () => {
    const deeper = await lower.issue('CN=Deeper', { pathLength: 0 });
    const x = await deeper.issue('CN=x', { names });
    expect(await verdict([x, deeper, lower, middle], [root])).toBe('path_too_long');
    let issuer = await TestCredential.root('CN=0');
    const [anchor, chain] = [issuer, [] as TestCredential[]];
    for (let level = 1; level < 10; level++) {
      issuer = await issuer.issue(`CN=${level}`, { pathLength: null });
      chain.unshift(issuer);
    }
    const below = async (authorities: readonly TestCredential[]) =>
      verdict([await authorities[0]!.issue('CN=x', { names }), ...authorities], [anchor]);
    expect(await below(chain)).toBe('path_too_long');
    expect(await below(chain.slice(2))).toBe('ok');
  });

  it('costs a bounded number of signatures, however many look-alikes are sent', async () => {
    const likes = await Promise.all(Array.from({ length: 40 }, () => TestCredential.root('CN=Lower')));
    expect(await verdict([leaf, ...likes], [root])).toMatch(/too_much_work|bad_signature/);
    expect(await verdict([leaf, ...likes, lower, middle], [root])).not.toBe('ok');
  });

  it.each<[string, IssueOptions, string]>([
    ['its key is not for signatures', { keyUsage: KeyUsageFlags.keyAgreement }, 'key_usage'],
    ['its purposes leave IKE out', { purposes: ['1.3.6.1.5.5.7.3.1'] }, 'key_usage'],
    ['its purposes name IKE', { purposes: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.17'] }, 'ok'],
    ['its purposes name any', { purposes: ['2.5.29.37.0'] }, 'ok'],
    ['non-repudiation will do (RFC 4945 5.1.3.2)', { keyUsage: KeyUsageFlags.nonRepudiation }, 'ok'],
    [
      'a critical extension is unknown',
      { extensions: [new Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
      'unsupported_extension',
    ],
  ])('ends in a leaf of which %s', async (_, options, expected) => {
    expect(await verdict([await root.issue('CN=x', { names, ...options })], [root])).toBe(expected);
  });

  it('does not lead through name constraints, which are not understood', async () => {
    const constraints = new Extension('2.5.29.30', false, Uint8Array.of(0x30, 0));
    const narrow = await root.issue('CN=Narrow', { pathLength: null, extensions: [constraints] });
    expect(await verdict([await narrow.issue('CN=x', { names }), narrow], [root])).toBe('unsupported_extension');
  });
});

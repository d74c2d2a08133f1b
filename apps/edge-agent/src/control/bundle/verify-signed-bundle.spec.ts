import { createHash } from 'node:crypto';
import { Bundle, BundleManifest, type SignedBundle } from '@weft/contracts/southbound';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { signBundle, signManifest, TUNNEL_ID, testBundle } from '../../../test/support/test-bundle.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../../test/support/test-pki.js';
import { RejectionError } from '../rejection.js';
import { type BundleAudience, type BundleHistory, verifySignedBundle } from './verify-signed-bundle.js';

let pki: TestPki;
let audience: BundleAudience;
beforeAll(async () => {
  pki = await TestPki.create();
  const { bundleSigningKeys } = await pki.identity('127.0.0.1:1');
  audience = { tenantId: TENANT_ID, edgeId: EDGE_ID, bundleSigningKeys };
});

const FRESH: BundleHistory = { highestEpoch: 5n, running: undefined };

function rejectionOf(signed: SignedBundle, history = FRESH): { path: string; rule: string } {
  try {
    verifySignedBundle(signed, audience, history);
  } catch (error) {
    if (!(error instanceof RejectionError)) throw error;
    expect(error.reason.length).toBeGreaterThan(10);
    return { path: error.path, rule: error.rule };
  }
  throw new Error('the bundle was accepted');
}

describe('a signed bundle', () => {
  it('that is in order is accepted, and its octets become values', () => {
    const bundle = verifySignedBundle(signBundle(pki, testBundle()), audience, FRESH);
    expect(bundle).toMatchObject({ epoch: 5n, generation: 10n, revision: 3n, overlayMtu: 1422 });
    expect(bundle.contentHash).toBe(createHash('sha256').update(Bundle.encode(testBundle()).finish()).digest('hex'));
    expect(bundle.routes.map(({ text }) => text)).toEqual(['10.2.0.0/24', '2001:db8:2::/64']);
    expect(bundle.tunnels.get(TUNNEL_ID)?.remote).toMatchObject({ text: '198.51.100.1', port: 4500 });
    expect(bundle.policies.map(({ selectors }) => selectors[0]!.protocol)).toEqual([6, 'any']);
  });

  it('is refused without a signature, with an unknown one, and with a bad one', async () => {
    const signed = signBundle(pki, testBundle());
    expect(rejectionOf({ ...signed, signatures: [] })).toEqual({
      path: 'bundle.signatures',
      rule: 'signature_missing',
    });
    const stranger = await TestPki.create();
    expect(rejectionOf(signBundle(stranger, testBundle()))).toEqual({
      path: 'bundle.signatures',
      rule: 'unknown_signing_key',
    });
    expect(
      rejectionOf(signBundle({ signingKey: stranger.signingKey, signingKeyId: pki.signingKeyId }, testBundle())),
    ).toEqual({ path: 'bundle.signatures[0].signature', rule: 'bad_signature' });
  });

  it('is accepted with a signature by a key that is not pinned beside a good one', async () => {
    const stranger = await TestPki.create();
    const signed = signBundle(pki, testBundle());
    const signatures = [...signBundle(stranger, testBundle()).signatures, ...signed.signatures];
    expect(verifySignedBundle({ ...signed, signatures }, audience, FRESH).generation).toBe(10n);
  });

  it('is refused when any bit of it is turned', () => {
    const signed = signBundle(pki, testBundle());
    fc.assert(
      fc.property(
        fc.constantFrom('manifest', 'content', 'signature'),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (part, at, bit) => {
          const copy = {
            manifest: Buffer.from(signed.manifest),
            content: Buffer.from(signed.content),
            signatures: signed.signatures.map(({ keyId, signature }) => ({ keyId, signature: Buffer.from(signature) })),
            preSharedKeys: [],
          };
          const octets = part === 'signature' ? copy.signatures[0]!.signature : copy[part];
          octets[at % octets.length]! ^= 1 << bit;
          expect(['bad_signature', 'content_hash_mismatch']).toContain(rejectionOf(copy).rule);
        },
      ),
    );
  });

  it.each([
    ['another tenant', { tenantId: EDGE_ID }, 'bundle.manifest.tenant_id', 'wrong_tenant'],
    ['another edge', { edgeId: TENANT_ID }, 'bundle.manifest.edge_id', 'wrong_edge'],
    ['an older epoch', { epoch: 4n }, 'bundle.manifest.epoch', 'stale_epoch'],
    ['another content', { contentHash: Buffer.alloc(32) }, 'bundle.manifest.content_hash', 'content_hash_mismatch'],
  ])('for %s is refused', (_, changes, path, rule) => {
    expect(rejectionOf(signBundle(pki, testBundle(), changes))).toEqual({ path, rule });
  });

  it('that does not follow the running one is refused, unless it is the same', () => {
    const running = (contentHash: string): BundleHistory => ({
      highestEpoch: 5n,
      running: { generation: 10n, contentHash },
    });
    const stale = { path: 'bundle.manifest.generation', rule: 'stale_generation' };
    expect(rejectionOf(signBundle(pki, testBundle()), running('00'))).toEqual(stale);
    expect(rejectionOf(signBundle(pki, testBundle(), { generation: 9n }), running('00'))).toEqual(stale);
    const signed = signBundle(pki, testBundle());
    const { contentHash } = verifySignedBundle(signed, audience, FRESH);
    expect(verifySignedBundle(signed, audience, running(contentHash)).contentHash).toBe(contentHash);
    const next = signBundle(pki, testBundle(), { generation: 11n });
    expect(verifySignedBundle(next, audience, running('00')).generation).toBe(11n);
  });

  it('with an unknown field, in manifest or content, at any depth, is refused', () => {
    const content = Buffer.from(Bundle.encode(testBundle()).finish());
    // Field 15, varint 1, at the end; field 9 within the device message at the start.
    const appended = Buffer.concat([content, Buffer.from([0x78, 0x01])]);
    expect(rejectionOf(signBundle(pki, appended))).toEqual({ path: 'bundle.content', rule: 'not_canonical' });
    const device = content.subarray(2, 2 + content[1]!);
    const grown = Buffer.concat([
      Buffer.from([0x0a, device.length + 2]),
      device,
      Buffer.from([0x48, 0x01]),
      content.subarray(2 + device.length),
    ]);
    expect(rejectionOf(signBundle(pki, grown))).toEqual({ path: 'bundle.content', rule: 'not_canonical' });
    const { manifest } = signBundle(pki, testBundle());
    const signed = signManifest(pki, Buffer.concat([manifest, Buffer.from([0x78, 0x01])]), content);
    expect(rejectionOf(signed)).toEqual({ path: 'bundle.manifest', rule: 'not_canonical' });
  });

  it('that repeats a scalar field is refused: two readers could disagree', () => {
    const manifest = signBundle(pki, testBundle()).manifest;
    const epoch = Buffer.from(BundleManifest.encode({ ...BundleManifest.create(), epoch: 6n }).finish());
    const content = Buffer.from(Bundle.encode(testBundle()).finish());
    expect(rejectionOf(signManifest(pki, Buffer.concat([manifest, epoch]), content)).rule).toBe('not_canonical');
  });

  it.each([[Buffer.from([0xff])], [Buffer.from([0x0a, 0x05, 0x01])], [Buffer.from('not protobuf at all')]])(
    'with octets that are no message is refused: %j',
    (octets) => {
      expect(rejectionOf(signBundle(pki, octets))).toMatchObject({ path: 'bundle.content' });
      expect(['malformed', 'not_canonical']).toContain(rejectionOf(signBundle(pki, octets)).rule);
    },
  );

  it('larger than 16 MiB is refused before anything is looked at', () => {
    const signed = { ...signBundle(pki, testBundle()), content: Buffer.alloc(16 * 1024 * 1024 + 1) };
    expect(rejectionOf(signed)).toEqual({ path: 'bundle.content', rule: 'too_large' });
  });
});

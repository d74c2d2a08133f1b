import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { type Bundle, type ExternalPeer, KeyingMode, type PreSharedKey } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { certificateBundle, externalBundle, PRE_SHARED_KEY } from '../../../test/support/external-bundle.js';
import { TUNNEL_ID } from '../../../test/support/test-bundle.js';
import { TestPki } from '../../../test/support/test-pki.js';
import { parseBundle } from './parse-bundle.js';
import { sameExternalPeer } from './parse-external-peer.js';

const AT = 'tunnels[0].external_peer';

/** [what, how to spoil a good peer, path below it, rule] */
const SPOILED: readonly [string, (peer: ExternalPeer) => void, string, string][] = [
  ['no identity of ours', (p) => delete p.localIdentity, '.local_identity', 'missing_field'],
  ['no identity of the peer', (p) => delete p.remoteIdentity, '.remote_identity', 'missing_field'],
  ['an unknown identity', (p) => (p.localIdentity!.type = 12), '.local_identity.type', 'unsupported_value'],
  [
    'an address of 3 octets',
    (p) => (p.remoteIdentity!.data = Buffer.alloc(3)),
    '.remote_identity.data',
    'out_of_range',
  ],
  ['a name of 256 octets', (p) => (p.localIdentity!.data = Buffer.alloc(256)), '.local_identity.data', 'out_of_range'],
  ['no authentication', (p) => delete p.authentication, '.authentication', 'missing_field'],
  [
    'a short commitment',
    (p) => (p.authentication!.value = Buffer.alloc(31)),
    '.pre_shared_key_commitment',
    'out_of_range',
  ],
  [
    'a key that nobody sent',
    (p) => (p.authentication!.value = Buffer.alloc(32)),
    '.pre_shared_key_commitment',
    'missing_secret',
  ],
  ['no address behind it', (p) => (p.remoteAddresses = []), '.remote_addresses', 'missing_field'],
  ['no address here', (p) => (p.localAddresses = []), '.local_addresses', 'missing_field'],
  [
    'a range of two families',
    (p) => (p.remoteAddresses[0]!.last = Buffer.alloc(16)),
    '.remote_addresses[0]',
    'mixed_families',
  ],
  ['a reversed range', (p) => (p.remoteAddresses[0]!.last = Buffer.alloc(4)), '.remote_addresses[0]', 'reversed_range'],
  [
    'an address of 5 octets',
    (p) => (p.localAddresses[0]!.first = Buffer.alloc(5)),
    '.local_addresses[0].first',
    'bad_address',
  ],
  ['ranges out of order', (p) => p.remoteAddresses.reverse(), '.remote_addresses[1]', 'not_canonical'],
  [
    'too many ranges',
    (p) => (p.localAddresses = Array.from({ length: 33 }, () => p.localAddresses[0]!)),
    '.local_addresses',
    'too_many',
  ],
];

describe('a peer that is no edge', () => {
  it('has its key from beside the content, and nobody can print it', () => {
    const external = parsed(externalBundle())!;
    expect(external).toMatchObject({
      authentication: { localIdentity: { type: 2, data: Uint8Array.from(Buffer.from('edge.example')) } },
      remoteIdentity: { type: 1, data: Uint8Array.of(198, 51, 100, 1) },
    });
    expect(external.local).toHaveLength(1);
    expect(external.remote).toHaveLength(2);
    const { authentication } = external;
    const key = authentication.kind === 'pre_shared_key' ? authentication.key : undefined;
    expect(key?.reveal((octets) => Buffer.from(octets))).toEqual(PRE_SHARED_KEY.key);
    const bundle = parseBundle(externalBundle(), [PRE_SHARED_KEY]);
    expect(inspect(bundle, { depth: 9 })).not.toContain(inspect(PRE_SHARED_KEY.key));
    expect(JSON.stringify([...bundle.tunnels.values()])).not.toContain('correct');
  });

  it.each(SPOILED)('with %s is refused', (_, spoil, path, rule) => {
    const bundle = externalBundle();
    spoil(bundle.tunnels[0]!.externalPeer!);
    expect(() => parsed(bundle)).toThrow(expect.objectContaining({ path: `${AT}${path}`, rule }));
  });

  it('is refused where nobody negotiates', () => {
    const bundle = externalBundle();
    Object.assign(bundle.tunnels[0]!, { keyingMode: KeyingMode.KEYING_MODE_IKE_LESS, ike: undefined });
    expect(() => parsed(bundle)).toThrow(expect.objectContaining({ path: AT, rule: 'unexpected_value' }));
  });

  it.each<[string, PreSharedKey[], string, string]>([
    [
      'another one',
      [{ ...PRE_SHARED_KEY, key: Buffer.from('guess') }],
      `${AT}.pre_shared_key_commitment`,
      'missing_secret',
    ],
    [
      'one more',
      [PRE_SHARED_KEY, { ...PRE_SHARED_KEY, key: Buffer.of(1) }],
      'bundle.pre_shared_keys',
      'unexpected_value',
    ],
    ['the same twice', [PRE_SHARED_KEY, PRE_SHARED_KEY], 'bundle.pre_shared_keys[1]', 'duplicate'],
    ['none in it', [{ ...PRE_SHARED_KEY, key: Buffer.alloc(0) }], 'bundle.pre_shared_keys[0].key', 'out_of_range'],
    ['a long one', [{ ...PRE_SHARED_KEY, key: Buffer.alloc(257) }], 'bundle.pre_shared_keys[0].key', 'out_of_range'],
    ['a short salt', [{ ...PRE_SHARED_KEY, salt: Buffer.alloc(31) }], 'bundle.pre_shared_keys[0].salt', 'out_of_range'],
  ])('is refused when its key is %s, and the refusal does not tell it', (_, keys, path, rule) => {
    expect(() => parseBundle(externalBundle(), keys)).toThrow(expect.objectContaining({ path, rule }));
    expect(() => parseBundle(externalBundle(), keys)).not.toThrow(/guess|correct/);
  });

  it('may prove itself with a certificate that is pinned: then the edge shows its own, and no identity is said', async () => {
    const { root: authority } = await TestPki.create();
    const root = Buffer.from(new X509Certificate(authority.pem).raw);
    const one = parsed(certificateBundle([root]), []);
    expect(one?.authentication).toMatchObject({ kind: 'certificates', anchors: [{ der: Uint8Array.from(root) }] });
    expect(sameExternalPeer(one, parsed(certificateBundle([root]), []))).toBe(true);
    expect(sameExternalPeer(one, parsed(certificateBundle([root, root]), []))).toBe(false);
    expect(sameExternalPeer(one, parsed(externalBundle()))).toBe(false);
    expect(sameExternalPeer(parsed(externalBundle()), one)).toBe(false);
    const identified = certificateBundle([root]);
    identified.tunnels[0]!.externalPeer!.localIdentity = { type: 2, data: Buffer.from('edge.example') };
    expect(() => parsed(identified, [])).toThrow(
      expect.objectContaining({ path: `${AT}.local_identity`, rule: 'unexpected_value' }),
    );
  });

  it.each<[string, Buffer[], string, string]>([
    ['no certificate', [], '', 'missing_field'],
    ['something else', [Buffer.from('root')], '[0]', 'bad_certificate'],
    ['an endless one', [Buffer.alloc(65_536, 0x30)], '[0]', 'bad_certificate'],
    ['too many', Array<Buffer>(9).fill(Buffer.alloc(1)), '', 'too_many'],
  ])('is refused with %s pinned', (_, certificates, at, rule) => {
    expect(() => parsed(certificateBundle(certificates), [])).toThrow(
      expect.objectContaining({ path: `${AT}.pinned_certificates${at}`, rule }),
    );
  });

  it('is another one when its identity, its key or what it may carry is another', () => {
    const one = parsed(externalBundle());
    expect(sameExternalPeer(one, parsed(externalBundle()))).toBe(true);
    expect(sameExternalPeer(undefined, undefined)).toBe(true);
    expect(sameExternalPeer(one, undefined)).toBe(false);
    const key = { ...PRE_SHARED_KEY, key: Buffer.from('another') };
    expect(sameExternalPeer(one, parsed(externalBundle(key), [key]))).toBe(false);
    const changes: readonly ((peer: ExternalPeer) => void)[] = [
      (peer) => (peer.localIdentity!.data = Buffer.from('edge2.example')),
      (peer) => (peer.remoteIdentity!.type = 2),
      (peer) => peer.remoteAddresses.pop(),
      (peer) => (peer.localAddresses[0]!.last = Buffer.of(10, 1, 0, 127)),
    ];
    for (const change of changes) {
      const bundle = externalBundle();
      change(bundle.tunnels[0]!.externalPeer!);
      expect(sameExternalPeer(one, parsed(bundle))).toBe(false);
    }
  });
});

function parsed(bundle: Bundle, keys: readonly PreSharedKey[] = [PRE_SHARED_KEY]) {
  return parseBundle(bundle, keys).tunnels.get(TUNNEL_ID)?.external;
}

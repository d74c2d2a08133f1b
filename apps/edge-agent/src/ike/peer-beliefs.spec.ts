import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateBundle, externalBundle, PRE_SHARED_KEY } from '../../test/support/external-bundle.js';
import { TUNNEL_ID, testBundle } from '../../test/support/test-bundle.js';
import { TestPki } from '../../test/support/test-pki.js';
import { parseBundle } from '../control/bundle/parse-bundle.js';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import { authorityHash } from './credentials/authority.js';
import { type Certificate, parseCertificate } from './credentials/certificate.js';
import { PeerBeliefs } from './peer-beliefs.js';

type Message = ReturnType<typeof externalBundle>;

function verified(message: Message): VerifiedBundle {
  const proofs = message.tunnels.map(({ externalPeer }) => externalPeer?.authentication?.$case);
  const keys = proofs.includes('preSharedKeyCommitment') ? [PRE_SHARED_KEY] : [];
  return { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...parseBundle(message, keys) };
}

function refusing(...serials: readonly number[]): VerifiedBundle {
  const message = externalBundle();
  for (const { ike } of message.tunnels) if (ike) ike.revokedSerials = serials.map((serial) => Buffer.of(serial));
  return verified(message);
}

async function authority(): Promise<{ readonly der: Buffer; readonly certificate: Certificate }> {
  const { root } = await TestPki.create();
  const der = Buffer.from(new X509Certificate(root.pem).raw);
  return { der, certificate: parseCertificate(der) };
}

describe('what the peers of tunnels are believed by', () => {
  it('is the authority of our edges for these, what is pinned for a gateway, and nothing where a key proves it', async () => {
    const [ours, theirs] = [await authority(), await authority()];
    const beliefs = new PeerBeliefs();
    const anchors = () => {
      const trust = beliefs.trust(TUNNEL_ID, [ours.certificate]);
      return trust.kind === 'certificates' ? trust.anchors.map(authorityHash) : undefined;
    };
    beliefs.use(verified(testBundle()));
    expect(anchors()).toEqual([authorityHash(ours.certificate)]);
    beliefs.use(verified(certificateBundle([theirs.der])));
    expect(anchors()).toEqual([authorityHash(theirs.certificate)]);
    beliefs.use(verified(externalBundle()));
    expect(anchors()).toEqual([]);
  });

  it('is the same again unless the peer is to prove something else', async () => {
    const { der } = await authority();
    const beliefs = new PeerBeliefs();
    const same = (message: Message) => beliefs.use(verified(message))(TUNNEL_ID);
    expect(same(testBundle())).toBe(true);
    expect(same(externalBundle())).toBe(false);
    expect(same(externalBundle())).toBe(true);
    expect(same(certificateBundle([der]))).toBe(false);
    expect(same(testBundle())).toBe(false);
  });
});

describe('certificates that are not believed any more', () => {
  it('are refused, and tell the tunnels that were made with one', () => {
    const beliefs = new PeerBeliefs();
    beliefs.use(refusing());
    beliefs.believe(TUNNEL_ID, '4f');
    beliefs.believe(TUNNEL_ID, '50');
    expect(beliefs.refused()).toEqual([]);
    beliefs.use(refusing(0x50));
    expect(beliefs.trust(TUNNEL_ID, [])).toMatchObject({ refusedSerials: new Set(['50']) });
    expect([beliefs.isRefused(TUNNEL_ID), beliefs.refused()]).toEqual([true, [TUNNEL_ID]]);
  });

  it('are not held against a tunnel that is made from nothing, nor against one that never met them', () => {
    const beliefs = new PeerBeliefs();
    beliefs.use(refusing(0x50));
    beliefs.believe('another', '50');
    beliefs.believe(TUNNEL_ID, '50');
    expect(beliefs.isRefused('another')).toBe(false);
    beliefs.forget(TUNNEL_ID);
    expect([beliefs.isRefused(TUNNEL_ID), beliefs.refused()]).toEqual([false, []]);
  });
});

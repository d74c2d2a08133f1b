import { createPublicKey } from 'node:crypto';
import { type KeyKind, TestCredential } from '@weft/edge-agent/test-authority';
import type { Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';

const KINDS: readonly KeyKind[] = ['p256', 'p384', 'p521', 'rsa', 'ed25519', 'ed448'];

/** Keys that both ends know already (RFC 7670). strongSwan passes over ours in CERT, and sends none. */
export async function publicKeyScenarios(): Promise<readonly Scenario[]> {
  const make = async (kind: KeyKind) => {
    const key = () => TestCredential.root('CN=bare', { key: kind });
    return { kind, us: await key(), peer: await key(), stranger: await key() };
  };
  const made = await Promise.all(KINDS.map(make));
  const [first] = made;
  const known = made.map(({ kind, us, peer }) => ({
    ...ends(us, peer, us, peer),
    ...named(kind),
    expect: 'traffic' as const,
  }));
  if (first === undefined) return known;
  const { us, peer, stranger } = first;
  return [
    ...known,
    {
      ...ends(us, peer, us, stranger),
      ...named('the peer has another key than the one that we know'),
      expect: {
        fails: {
          us: { code: 'authentication_failed', detail: /mismatch/ },
          peer: { code: 'authentication_failed', detail: /mismatch/ },
        },
      },
    },
    {
      ...ends(us, peer, stranger, peer),
      ...named('we have another key than the one that the peer knows'),
      initiators: ['us'],
      expect: { fails: { us: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' } } },
    },
  ];
}

function named(name: string) {
  return { group: 'public keys', name, initiators: ['us', 'peer'] } as const;
}

/** What each end has, and what it believes of the other. */
function ends(us: TestCredential, peer: TestCredential, usAsKnown: TestCredential, peerAsKnown: TestCredential) {
  return {
    ours: {
      ...OURS,
      auth: { kind: 'public-key' as const, privateKey: us.privateKeyPem, peer: publicPem(peerAsKnown) },
    },
    theirs: swanctlConf({
      connection: 'send_cert = never',
      local: 'auth = pubkey\n pubkeys = peer.pem\n id = peer.example',
      remote: 'auth = pubkey\n pubkeys = us.pem\n id = us.example',
      secrets: '',
    }),
    files: {
      'pubkey/peer.pem': publicPem(peer),
      'pubkey/us.pem': publicPem(usAsKnown),
      'private/peer.pem': peer.privateKeyPem,
    },
  };
}

function publicPem(credential: TestCredential): string {
  return createPublicKey(credential.privateKeyPem).export({ format: 'pem', type: 'spki' }).toString();
}

import type { TestCredential } from '@weft/edge-agent/test-authority';
import type { Scenario } from '../scenario.js';
import { createPki } from './certificates.js';
import { OURS, swanctlConf } from './common.js';

const BOTH = ['us', 'peer'] as const;

/** The handshake must end, with the notify of the RFC on the wire and the reason in our words. */
export const failureScenarios: readonly Scenario[] = [
  {
    group: 'failures',
    name: 'wrong pre-shared key',
    initiators: BOTH,
    ours: { ...OURS, auth: { kind: 'psk', key: 'another one' } },
    theirs: swanctlConf(),
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' },
        peer: { code: 'authentication_failed', detail: /pre-shared keys differ/ },
      },
    },
  },
  {
    group: 'failures',
    name: 'wrong identity',
    initiators: BOTH,
    ours: { ...OURS, localId: 'nobody.example', remoteId: 'somebody.example' },
    theirs: swanctlConf(),
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' },
        peer: { code: 'authentication_failed', detail: /no connection for the peer peer.example/ },
      },
    },
  },
  {
    group: 'failures',
    name: 'no IKE proposal in common',
    initiators: BOTH,
    ours: { ...OURS, ike: ['aes256gcm16-prfsha512-x25519'] },
    theirs: swanctlConf(),
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'NO_PROPOSAL_CHOSEN', exchange: 'IKE_SA_INIT' },
        peer: { code: 'no_proposal_chosen', transformType: 'ENCR' },
      },
    },
  },
  {
    group: 'failures',
    name: 'no ESP proposal in common',
    initiators: BOTH,
    ours: { ...OURS, esp: ['aes256gcm16'] },
    theirs: swanctlConf(),
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'NO_PROPOSAL_CHOSEN', exchange: 'IKE_AUTH' },
        peer: { code: 'no_proposal_chosen', transformType: 'ENCR' },
      },
    },
  },
  {
    group: 'failures',
    name: 'no traffic selector in common',
    initiators: BOTH,
    ours: { ...OURS, remoteTs: ['10.9.0.0/24'] },
    theirs: swanctlConf(),
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'TS_UNACCEPTABLE', exchange: 'IKE_AUTH' },
        peer: { code: 'ts_unacceptable' },
      },
    },
  },
];

/** Certificates that must not be believed. */
export async function certificateFailureScenarios(): Promise<readonly Scenario[]> {
  const [pki, stranger] = await Promise.all([createPki('p256'), createPki('p256')]);
  const expired = await pki.intermediate.issue('CN=peer.example', {
    names: [{ type: 'dns', value: 'peer.example' }],
    validFrom: -7_200_000,
    validFor: 3_600_000,
  });
  const cases: readonly [string, TestCredential, RegExp][] = [
    ['a certificate of another authority', stranger.peer, /no_issuer|bad_signature/],
    ['an expired certificate', expired, /expired/],
  ];
  const scenario = (name: string, peer: TestCredential, detail: RegExp): Scenario => ({
    group: 'failures',
    name: `the peer shows ${name}`,
    initiators: BOTH,
    ours: {
      ...OURS,
      auth: {
        kind: 'certificate',
        privateKey: pki.us.privateKeyPem,
        chain: [pki.us.pem, pki.intermediate.pem],
        anchors: [pki.root.pem],
      },
    },
    theirs: swanctlConf({
      connection: 'send_cert = always',
      local: 'auth = pubkey\n certs = peer.pem\n id = peer.example',
      remote: 'auth = pubkey\n id = us.example\n cacerts = root.pem',
      secrets: '',
    }),
    files: {
      'x509/peer.pem': peer.pem,
      'private/peer.pem': peer.privateKeyPem,
      'x509ca/root.pem': pki.root.pem,
      'x509ca/intermediate.pem': pki.intermediate.pem,
    },
    expect: {
      fails: { us: { code: 'authentication_failed', detail }, peer: { code: 'authentication_failed', detail } },
    },
  });
  return cases.map(([name, peer, detail]) => scenario(name, peer, detail));
}

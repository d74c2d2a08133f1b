import { type IssueOptions, KeyUsageFlags, type TestCredential } from '@weft/edge-agent/test-authority';
import type { Scenario } from '../scenario.js';
import { certificateEnds, createPki, type Pki } from './certificates.js';
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
        peer: { code: 'no_proposal_chosen', differsIn: 'ENCR' },
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
        peer: { code: 'no_proposal_chosen', differsIn: 'ENCR' },
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

/** Certificates that must not be believed, the peer's and ours. */
export async function certificateFailureScenarios(): Promise<readonly Scenario[]> {
  const [pki, stranger] = await Promise.all([createPki('p256'), createPki('p256')]);
  const { intermediate } = pki;
  const names = (value: string) => [{ type: 'dns', value }] as const;
  const expired = { validFrom: -7_200_000, validFor: 3_600_000 };
  const noSignatures = { keyUsage: KeyUsageFlags.keyAgreement };
  const forServers = { purposes: ['1.3.6.1.5.5.7.3.1'] };
  const issue = (name: string, options: IssueOptions) =>
    intermediate.issue(`CN=${name}`, { names: names(name), ...options });
  const notBelieved: readonly [string, TestCredential, RegExp][] = [
    ['of another authority', stranger.peer, /no_issuer|bad_signature/],
    ['that expired', await issue('peer.example', expired), /expired/],
    ['that is not valid yet', await issue('peer.example', { validFrom: 3_600_000 }), /not_yet_valid/],
    ['whose key is not for signatures', await issue('peer.example', noSignatures), /key_usage/],
    ['for servers only', await issue('peer.example', forServers), /key_usage/],
    ['of another name', await issue('other.example', {}), /the certificate is not one of peer.example/],
  ];
  const ownRefused: readonly [string, TestCredential][] = [
    ['of another authority', stranger.us],
    ['that expired', await issue('us.example', expired)],
    ['of another name', await issue('other.example', {})],
  ];
  return [
    ...notBelieved.map(([what, peer, detail]): Scenario => {
      const pattern = { code: 'authentication_failed', detail } as const;
      return {
        ...shown(`the peer shows a certificate ${what}`, { ...pki, peer }),
        expect: { fails: { us: pattern, peer: pattern } },
      };
    }),
    ...ownRefused.map(
      ([what, us]): Scenario => ({
        ...shown(`we show a certificate ${what}`, { ...pki, us }),
        initiators: ['us'],
        expect: { fails: { us: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' } } },
      }),
    ),
  ];
}

function shown(name: string, pki: Pki) {
  return { group: 'failures', name, initiators: BOTH, ...certificateEnds(pki) };
}

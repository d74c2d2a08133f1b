import type { ImportedProof } from './import-proof.js';

/** What becomes of a key of swanctl.conf(5). */
export type KeyUse =
  /** It says what the external peer is. */
  | { readonly kind: 'mapped' }
  /** How the gateway does its part; our edge does the same with any value of it. */
  | { readonly kind: 'gateway' }
  /** These values only, in lower case. */
  | { readonly kind: 'only'; readonly values: readonly string[]; readonly fix: string }
  | { readonly kind: 'never'; readonly fix: string };

export type KeyUses = ReadonlyMap<string, KeyUse>;

const MAPPED: KeyUse = { kind: 'mapped' };
const GATEWAY: KeyUse = { kind: 'gateway' };
const NO = ['no', 'false', 'disabled', '0'];
const only = (values: readonly string[], fix: string): KeyUse => ({ kind: 'only', values, fix });
const never = (fix: string): KeyUse => ({ kind: 'never', fix });
const all = (use: KeyUse, names: string): [string, KeyUse][] => names.split(' ').map((name) => [name, use]);

const NO_ADDRESSES = never('Addresses for remote users are no part of a tunnel between networks; take it out.');
const NO_PPK = never('Our edges have no post-quantum pre-shared keys for external peers; take it out.');
const NO_MEDIATION = never('Let the gateway be where local_addrs says; take it out.');
const NO_CERTIFICATES = never('With a pre-shared key (auth = psk) it means nothing; take it out.');
const NO_CONSTRAINTS = never('Let certificates, authorities and identities say who is who; take it out.');
const ONE_ROUND = never('Let both ends prove themselves once, with a pre-shared key or a certificate; take it out.');

/** Of connections.<conn>. */
export const CONNECTION_KEYS: KeyUses = new Map([
  ...all(MAPPED, 'local_addrs remote_addrs local_port remote_port proposals'),
  // "A connection using the default of 0 accepts both IKEv1 and IKEv2 as responder".
  ['version', only(['0', '2'], 'Let the gateway use IKEv2: version = 2.')],
  ['aggressive', only(NO, 'IKEv2 has no Aggressive Mode; take it out.')],
  ['childless', only(['allow', 'never'], 'Our edges make the Child SA with the IKE SA: childless = allow.')],
  ...all(NO_ADDRESSES, 'vips pools'),
  ...all(NO_PPK, 'ppk_id ppk_required'),
  ...all(NO_MEDIATION, 'mediation mediated_by mediation_peer'),
  ...all(
    GATEWAY,
    'pull dscp encap mobike dpd_delay dpd_timeout fragmentation ocsp send_certreq send_cert keyingtries unique reauth_time rekey_time over_time rand_time if_id_in if_id_out',
  ),
]);

const BOTH_ENDS: readonly [string, KeyUse][] = [
  ...all(MAPPED, 'id auth'),
  ['round', only(['0'], 'Let both ends prove themselves once; take it out.')],
  ...all(ONE_ROUND, 'eap_id aaa_id xauth_id'),
];
const WITH_KEY: KeyUses = new Map([
  ...BOTH_ENDS,
  ...all(NO_CERTIFICATES, 'certs cacerts pubkeys cert_policy ca_id groups revocation'),
]);

/** Of connections.<conn>.local<suffix> and connections.<conn>.remote<suffix>, by how both ends prove who they are. */
export const AUTHENTICATION_KEYS: Readonly<
  Record<ImportedProof['kind'], { readonly local: KeyUses; readonly remote: KeyUses }>
> = {
  pre_shared_key: { local: WITH_KEY, remote: WITH_KEY },
  pinned_certificates: {
    local: new Map([
      ...BOTH_ENDS,
      ['certs', MAPPED],
      ...all(NO_CONSTRAINTS, 'pubkeys cacerts cert_policy ca_id groups revocation'),
    ]),
    remote: new Map([
      ...BOTH_ENDS,
      // Whom it believes. Our edges renew their certificates, and the authority stays.
      ['cacerts', GATEWAY],
      ['certs', never('Our edges renew their certificates: let cacerts name our authority in its place.')],
      [
        'revocation',
        only(['relaxed', 'ifuri'], 'Let the gateway take edges whose revocation it cannot ask for; take it out.'),
      ],
      ...all(NO_CONSTRAINTS, 'pubkeys cert_policy ca_id groups'),
    ]),
  },
};

/** Of connections.<conn>.children.<child>. */
export const CHILD_KEYS: KeyUses = new Map([
  ...all(MAPPED, 'local_ts remote_ts esp_proposals'),
  ['start_action', GATEWAY],
  ['mode', only(['tunnel'], 'Let the gateway use tunnel mode: mode = tunnel.')],
  ['ipcomp', only(NO, 'Our edges do not compress; take it out.')],
  ['ah_proposals', never('Use ESP: esp_proposals.')],
  ['label', never('Our edges negotiate no security labels; take it out.')],
  ...all(
    GATEWAY,
    'sha256_96 rekey_time life_time rand_time rekey_bytes life_bytes rand_bytes rekey_packets life_packets rand_packets updown hostaccess policies policies_fwd_out dpd_action inactivity reqid priority interface mark_in mark_in_sa mark_out set_mark_in set_mark_out if_id_in if_id_out label_mode tfc_padding replay_window hw_offload copy_df copy_ecn copy_dscp per_cpu_sas close_action',
  ),
]);

/** Sections of the root beside connections and secrets; whatever else is there is for others to refer to. */
export const ROOT_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['pools', 'Addresses for remote users are no part of a tunnel between networks; take the section out.'],
]);

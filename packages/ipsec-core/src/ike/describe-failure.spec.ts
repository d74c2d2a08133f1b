import { expect, it } from 'vitest';
import { describeFailure } from './describe-failure.js';
import type { FailureReason } from './outputs.js';

it('names the transforms on which the closest two proposals do not meet', () => {
  const [encr, ke] = [
    { type: 'ENCR', theirs: ['AES_CBC/128'], ours: ['AES_GCM_16/256', 'AES_GCM_16/128'] },
    { type: 'KE', theirs: ['MODP_2048'], ours: ['CURVE25519'] },
  ];
  const transforms = (offered: number, differences: readonly (typeof ke)[]) =>
    ({ offered, accepted: 1, reason: 'transforms', differences }) as const;
  const refusals = [{ offered: 1, reason: 'protocol' } as const, transforms(2, [encr, ke]), transforms(3, [ke])];
  expect(describeFailure({ code: 'no_proposal_chosen', refusals })).toBe(
    'no proposal of the peer is accepted here; proposal 3 comes closest: for KE it offers MODP_2048, accepted is CURVE25519',
  );
  expect(describeFailure({ code: 'no_proposal_chosen', refusals: refusals.slice(0, 2) })).toBe(
    'no proposal of the peer is accepted here; proposal 2 comes closest: for ENCR it offers AES_CBC/128, accepted is AES_GCM_16/256, AES_GCM_16/128; for KE it offers MODP_2048, accepted is CURVE25519',
  );
  const silent = transforms(1, [{ type: 'SN', theirs: [], ours: ['ESN'] }]);
  expect(describeFailure({ code: 'no_proposal_chosen', refusals: [silent] })).toMatch(
    /: for SN it offers nothing, accepted is ESN$/,
  );
});

it('says what a peer refused that says no more than that', () => {
  const refused = { code: 'peer_refused', exchange: 'IKE_AUTH' } as const;
  const selectors = { kind: 'selectors', local: ['10.1.0.0-10.1.0.255'], remote: ['10.9.0.0-10.9.0.255'] } as const;
  expect(describeFailure({ ...refused, notify: 'TS_UNACCEPTABLE', offer: selectors })).toBe(
    'the peer refused in IKE_AUTH: TS_UNACCEPTABLE; it allows none of the traffic selectors that were offered: local 10.1.0.0-10.1.0.255; remote 10.9.0.0-10.9.0.255',
  );
  const proposals = { kind: 'proposals', proposals: ['ENCR AES_GCM_16/128, SN ESN'] } as const;
  expect(describeFailure({ ...refused, notify: 'NO_PROPOSAL_CHOSEN', offer: proposals })).toContain(
    'accepts none of what was offered: ENCR AES_GCM_16/128, SN ESN',
  );
  const identity = { kind: 'identity', identity: 'us.example', method: 'a pre-shared key' } as const;
  expect(describeFailure({ ...refused, notify: 'AUTHENTICATION_FAILED', offer: identity })).toContain(
    'does not believe that this is us.example, proved by a pre-shared key',
  );
});

it.each<[FailureReason, RegExp]>([
  [{ code: 'no_proposal_chosen', refusals: [] }, /no proposal of the peer/],
  [{ code: 'no_proposal_chosen', refusals: [{ offered: 1, reason: 'spi_size' }] }, /spi_size/],
  [
    { code: 'no_proposal_chosen', refusals: [{ offered: 1, reason: 'spi_reserved' }] },
    /SPI is one that nobody may have/,
  ],
  [{ code: 'peer_silent' }, /does not answer/],
  [{ code: 'peer_crashed' }, /lost all state/],
  [{ code: 'out_of_step' }, /TEMPORARY_FAILURE/],
  [{ code: 'rekey_refused', notify: 'NO_ADDITIONAL_SAS' }, /end of its lifetime \(NO_ADDITIONAL_SAS\)/],
  [{ code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' }, /IKE_AUTH: AUTHENTICATION_FAILED/],
  [
    { code: 'ts_unacceptable', side: 'local', offered: ['10.0.0.0/8'], allowed: ['10.1.0.0/16'] },
    /local traffic selectors.*offered 10.0.0.0\/8; allowed here is 10.1.0.0\/16/,
  ],
  [
    { code: 'rekey_narrowed', side: 'remote', answered: ['10.1.0.0/25'], before: ['10.1.0.0/24'] },
    /remote traffic selectors out of a rekey: it answered 10.1.0.0\/25; in use are 10.1.0.0\/24/,
  ],
  [{ code: 'single_pair_required' }, /named no flow/],
  [{ code: 'no_address' }, /no address/],
  [{ code: 'configuration_required' }, /configuration/],
  [{ code: 'transport_declined' }, /transport mode, which is required here/],
  [{ code: 'transport_behind_nat' }, /a NAT is on the path/],
  [{ code: 'authentication_failed', detail: 'expired' }, /did not prove who it is: expired/],
  [{ code: 'signing_failed', detail: 'no key' }, /this edge cannot prove who it is: no key/],
])('says %j in a sentence', (reason, sentence) => {
  expect(describeFailure(reason)).toMatch(sentence);
});

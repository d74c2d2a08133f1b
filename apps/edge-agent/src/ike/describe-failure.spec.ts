import type { FailureReason } from '@weft/ipsec-core/ike';
import { expect, it } from 'vitest';
import { describeFailure } from './describe-failure.js';

it('names the transform on which the two ends do not meet', () => {
  const refusal = {
    offered: 1,
    accepted: 1,
    reason: 'transform',
    transformType: 'KE',
    theirs: ['KE 14'],
    ours: ['KE 31'],
  } as const;
  expect(describeFailure({ code: 'no_proposal_chosen', refusals: [refusal] })).toBe(
    'no proposal of the peer is accepted here: for KE it offers KE 14, accepted is KE 31',
  );
});

it.each<[FailureReason, RegExp]>([
  [{ code: 'no_proposal_chosen', refusals: [] }, /no proposal of the peer/],
  [{ code: 'no_proposal_chosen', refusals: [{ offered: 1, accepted: 0, reason: 'spi_size' }] }, /spi_size/],
  [{ code: 'peer_silent' }, /does not answer/],
  [{ code: 'peer_crashed' }, /lost all state/],
  [{ code: 'out_of_step' }, /TEMPORARY_FAILURE/],
  [{ code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' }, /IKE_AUTH: AUTHENTICATION_FAILED/],
  [
    { code: 'ts_unacceptable', side: 'local', offered: ['10.0.0.0/8'], allowed: ['10.1.0.0/16'] },
    /local traffic selectors.*10.0.0.0\/8, allowed 10.1.0.0\/16/,
  ],
  [{ code: 'single_pair_required' }, /named no flow/],
  [{ code: 'no_address' }, /no address/],
  [{ code: 'configuration_required' }, /configuration/],
  [{ code: 'authentication_failed', detail: 'expired' }, /did not prove who it is: expired/],
  [{ code: 'signing_failed', detail: 'no key' }, /this edge cannot prove who it is: no key/],
])('says %j in a sentence', (reason, sentence) => {
  expect(describeFailure(reason)).toMatch(sentence);
});

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

it.each([
  [{ code: 'no_proposal_chosen', refusals: [] } as const, /no proposal of the peer/],
  [{ code: 'no_proposal_chosen', refusals: [{ offered: 1, accepted: 0, reason: 'spi_size' }] } as const, /spi_size/],
  [{ code: 'peer_silent' } as const, /does not answer/],
  [{ code: 'peer_crashed' } as const, /lost all state/],
  [{ code: 'out_of_step' } as const, /TEMPORARY_FAILURE/],
  [
    { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' } as const,
    /IKE_AUTH: AUTHENTICATION_FAILED/,
  ],
  [{ code: 'ts_unacceptable' } as const, /traffic selectors/],
  [{ code: 'authentication_failed', detail: 'expired' } as const, /did not prove who it is: expired/],
  [{ code: 'signing_failed', detail: 'no key' } as const, /this edge cannot prove who it is: no key/],
])('says %j in a sentence', (reason, sentence) => {
  expect(describeFailure(reason)).toMatch(sentence);
});

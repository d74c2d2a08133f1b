import type { FailureReason } from '@weft/ipsec-core/ike';

/** A failure in one sentence for the operator: who, what, and on which algorithm the two ends do not meet. */
export function describeFailure(reason: FailureReason): string {
  switch (reason.code) {
    case 'peer_silent':
      return 'the peer does not answer: check that it runs, and that UDP to its underlay address passes';
    case 'peer_crashed':
      return 'the peer has lost all state: the IKE SA is made anew';
    case 'out_of_step':
      return 'the peer has refused for minutes with TEMPORARY_FAILURE: the IKE SA is made anew';
    case 'authentication_expired':
      return 'the peer did not prove its identity anew in time';
    case 'ppk_required':
      return 'a post-quantum preshared key is required here, and the peer uses none';
    case 'childless_required':
      return 'the peer takes no IKE SA without a Child SA in IKE_AUTH, as it is required here';
    case 'peer_refused':
      return `the peer refused in ${reason.exchange}: ${reason.notify}`;
    case 'no_proposal_chosen':
      return describeRefusals(reason.refusals);
    case 'ts_unacceptable':
      return `of the ${reason.side} traffic selectors nothing is common: offered ${reason.offered.join(', ')}, allowed ${reason.allowed.join(', ')}`;
    case 'single_pair_required':
      return 'every flow has a Child SA of its own here, and the peer named no flow';
    case 'no_address':
      return 'no address is left for the one that asks for it, or none was assigned that a Child SA could be for';
    case 'configuration_required':
      return 'the peer did not ask for the configuration that it must have';
    case 'local_address_gone':
      return 'the underlay address of this edge is gone: the IKE SA is made anew from another';
    case 'addresses_refused':
      return 'the peer takes no underlay address that this edge has now: check what its policy admits';
    case 'nat_detected':
      return 'something changes addresses on the way, and NAT traversal is prohibited: allow it, or remove the NAT';
    case 'invalid_message':
    case 'invalid_key_exchange':
    case 'authentication_failed':
    case 'signing_failed':
      return `${STORIES[reason.code]}: ${reason.detail}`;
  }
}

function describeRefusals(refusals: Extract<FailureReason, { code: 'no_proposal_chosen' }>['refusals']): string {
  const [first] = refusals;
  if (first === undefined) return 'no proposal of the peer is one that is accepted here';
  if (first.reason !== 'transform') return `no proposal of the peer is accepted here: its ${first.reason} is another`;
  const { transformType, theirs = [], ours = [] } = first;
  return `no proposal of the peer is accepted here: for ${transformType} it offers ${theirs.join(', ')}, accepted is ${ours.join(', ')}`;
}

const STORIES = {
  invalid_message: 'the peer sent what it must not',
  invalid_key_exchange: 'the key exchange failed',
  authentication_failed: 'the peer did not prove who it is',
  signing_failed: 'this edge cannot prove who it is',
} as const;

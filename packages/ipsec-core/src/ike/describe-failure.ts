import type { TransformDifference } from './negotiation.js';
import type { FailureReason, RefusedOffer } from './outputs.js';

/** A failure in one sentence for the operator: who refused, what the two ends have, and where they do not meet. */
export function describeFailure(reason: FailureReason): string {
  switch (reason.code) {
    case 'peer_silent':
      return 'the peer does not answer: check that it runs, and that UDP to its underlay address passes';
    case 'peer_crashed':
      return 'the peer has lost all state: the IKE SA is made anew';
    case 'out_of_step':
      return 'the peer has refused for minutes with TEMPORARY_FAILURE: the IKE SA is made anew';
    case 'rekey_refused':
      return `the peer does not replace what has reached the end of its lifetime (${reason.notify}): the IKE SA is made anew`;
    case 'authentication_expired':
      return 'the peer did not prove its identity anew in time';
    case 'ppk_required':
      return 'a post-quantum preshared key is required here, and the peer uses none';
    case 'childless_required':
      return 'the peer takes no IKE SA without a Child SA in IKE_AUTH, as it is required here';
    case 'peer_refused':
      return `the peer refused in ${reason.exchange}: ${reason.notify}${describeOffer(reason.offer)}`;
    case 'no_proposal_chosen':
      return describeRefusals(reason.refusals);
    case 'ts_unacceptable':
      return `of the ${reason.side} traffic selectors nothing is common: the peer offered ${reason.offered.join(', ')}; allowed here is ${reason.allowed.join(', ')}`;
    case 'rekey_narrowed':
      return `the peer left some ${reason.side} traffic selectors out of a rekey: it answered ${reason.answered.join(', ')}; in use are ${reason.before.join(', ')}`;
    case 'single_pair_required':
      return 'every flow has a Child SA of its own here, and the peer named no flow';
    case 'no_address':
      return 'no address is left for the one that asks for it, or none was assigned that a Child SA could be for';
    case 'configuration_required':
      return 'the peer did not ask for the configuration that it must have';
    case 'transport_declined':
      return 'the peer does not use transport mode, which is required here: have both ends use it, or neither';
    case 'transport_behind_nat':
      return 'a NAT is on the path, and transport mode is between the addresses that it changes: remove it, or use tunnel mode';
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

function describeOffer(offer: RefusedOffer | undefined): string {
  switch (offer?.kind) {
    case undefined:
      return '';
    case 'proposals':
      return `; it accepts none of what was offered: ${offer.proposals.join('; or ')}`;
    case 'selectors':
      return `; it allows none of the traffic selectors that were offered: local ${offer.local.join(', ')}; remote ${offer.remote.join(', ')}`;
    case 'identity':
      return `; it does not believe that this is ${offer.identity}, proved by ${offer.method}: its log says why`;
  }
}

/** The proposal that came closest is the one to look at. */
function describeRefusals(refusals: Extract<FailureReason, { code: 'no_proposal_chosen' }>['refusals']): string {
  const [closest] = [...refusals].sort((a, b) => distance(a) - distance(b));
  if (closest === undefined) return 'no proposal of the peer is one that is accepted here';
  const which = `no proposal of the peer is accepted here; proposal ${closest.offered} comes closest`;
  if (closest.reason === 'spi_reserved') return `${which}, and its SPI is one that nobody may have`;
  if (closest.reason !== 'transforms') return `${which}, and its ${closest.reason} is another`;
  return `${which}: ${closest.differences.map(describeDifference).join('; ')}`;
}

function describeDifference({ type, theirs, ours }: TransformDifference): string {
  // Of a mandatory type a proposal may say nothing at all.
  return `for ${type} it offers ${theirs.join(', ') || 'nothing'}, accepted is ${ours.join(', ')}`;
}

function distance(refusal: Extract<FailureReason, { code: 'no_proposal_chosen' }>['refusals'][number]): number {
  return refusal.reason === 'transforms' ? refusal.differences.length : Number.MAX_SAFE_INTEGER;
}

const STORIES = {
  invalid_message: 'the peer sent what it must not',
  invalid_key_exchange: 'the key exchange failed',
  authentication_failed: 'the peer did not prove who it is',
  signing_failed: 'this edge cannot prove who it is',
} as const;

import { describe, type IkeWireProblem } from '../wire/ike/wire-error.js';

/**
 * Why a message about the keys of a tunnel was not taken. Nothing has changed. All but `already_taken` and `other_suite`
 * mean that whoever relays the messages altered, swapped or kept some, or that an edge has lost its memory.
 */
export type Refusal =
  | { readonly code: 'malformed'; readonly problem: IkeWireProblem }
  | { readonly code: 'other_version'; readonly version: number }
  | { readonly code: 'other_fabric'; readonly fabric: string }
  | { readonly code: 'other_tunnel'; readonly tunnelId: string }
  /** From an edge that is not the peer, or for another than this one. */
  | { readonly code: 'other_edges'; readonly from: string; readonly to: string }
  /** An offer to the edge that offers, or an answer to the one that answers. */
  | { readonly code: 'wrong_role'; readonly kind: 'offer' | 'answer' }
  | { readonly code: 'superseded_epoch'; readonly epoch: bigint; readonly known: bigint }
  | { readonly code: 'other_suite'; readonly suite: string }
  | { readonly code: 'replayed'; readonly number: number; readonly known: number }
  /** An offer with the number of another one that was answered. */
  | { readonly code: 'other_offer'; readonly number: number }
  /** What is known already, as after every reconnection. */
  | { readonly code: 'already_taken'; readonly number: number }
  /** Certificate, identity or signature; `reason` is the host's, as the end of a sentence. */
  | { readonly code: 'not_authentic'; readonly reason: string }
  /** Signed by the peer, and no valid public value (RFC 7748 section 6.1, FIPS 203 section 7.2). */
  | { readonly code: 'bad_share'; readonly reason: string }
  | { readonly code: 'bad_confirmation'; readonly number: number };

/** One sentence for the operator: what was wrong and what to do. */
export function describeRefusal(refusal: Refusal): string {
  switch (refusal.code) {
    case 'malformed':
      return `The key share cannot be read: ${describe(refusal.problem)} Look at what relays it.`;
    case 'other_version':
      return `The key share has version ${refusal.version}, and this edge knows version 1: upgrade the older of the two agents.`;
    case 'other_fabric':
      return `The key share belongs to the fabric ${refusal.fabric}: the controller mixes fabrics.`;
    case 'other_tunnel':
      return `The key share belongs to the tunnel ${refusal.tunnelId}: the controller mixes tunnels.`;
    case 'other_edges':
      return `The key share is from ${refusal.from} for ${refusal.to}, which are not the ends of this tunnel: the controller mixes edges.`;
    case 'wrong_role':
      return `An ${refusal.kind} came to the edge that makes it: the controller sends messages back or swaps roles.`;
    case 'superseded_epoch':
      return `The key share is of epoch ${refusal.epoch}, and epoch ${refusal.known} is known: it is that of a superseded controller.`;
    case 'other_suite':
      return `The key share is for "${refusal.suite}", which the bundle here does not say yet; it is looked at again with the next bundle.`;
    case 'replayed':
      return `Key share ${refusal.number} is older than ${refusal.known}: the controller replays it, or the peer has lost its state and learns the number now.`;
    case 'other_offer':
      return `Key share ${refusal.number} is another than the one that was answered: the peer has lost its state and learns the number now.`;
    case 'already_taken':
      return `Key share ${refusal.number} is known; nothing to do.`;
    case 'not_authentic':
      return `The key share is not the peer's: ${refusal.reason}. Somebody altered it, or the peer's certificate is not to be believed.`;
    case 'bad_share':
      return `The peer signed a key share that is none: ${refusal.reason} Look at its agent.`;
    case 'bad_confirmation':
      return `The confirmation of key share ${refusal.number} is wrong: somebody altered it, or the two ends have different keys.`;
  }
}

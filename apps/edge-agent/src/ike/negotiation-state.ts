import type { FailureReason, IkeEvent } from '@weft/ipsec-core/ike';
import { describeFailure } from './describe-failure.js';

/** How the negotiation of a tunnel stands. A value: `afterEvent` makes the next one. */
export interface NegotiationState {
  readonly established: boolean;
  /** IANA numbers of the methods that made the keys; empty until it was established. */
  readonly keyExchangeMethods: readonly number[];
  /** Why the last attempt ended without what was wanted; undefined after a success. */
  readonly failure: string | undefined;
  /** Attempts that failed since the last success. */
  readonly failures: number;
  readonly rekeys: bigint;
  /** Of what the tunnel needs something is missing, and nothing of ours is under way to get it. */
  readonly wants: 'nothing' | 'ike' | 'child';
}

export const UNTRIED: NegotiationState = {
  established: false,
  keyExchangeMethods: [],
  failure: undefined,
  failures: 0,
  rekeys: 0n,
  wants: 'ike',
};

/** What an event of the tunnel's connection means. `firstMethod` is the key exchange that comes before additional ones. */
export function afterEvent(state: NegotiationState, event: IkeEvent, firstMethod: number): NegotiationState {
  switch (event.kind) {
    case 'ike-established': {
      const keyExchangeMethods = [firstMethod, ...event.additionalKeyExchanges];
      const up = { ...state, established: true, keyExchangeMethods };
      // The first Child SA is refused in the exchange that establishes the IKE SA, and told before it.
      return state.wants === 'child' ? up : { ...up, failure: undefined, failures: 0, wants: 'nothing' };
    }
    case 'ike-rekeyed':
    case 'child-rekeyed':
      return { ...state, rekeys: state.rekeys + 1n, failure: undefined };
    case 'ike-failed':
      return { ...failed(state, event.reason), established: false, wants: 'ike' };
    case 'ike-closed':
      return { ...state, established: false, wants: 'ike' };
    case 'child-failed':
      return { ...failed(state, event.reason), wants: 'child' };
    case 'child-closed':
      return { ...state, wants: state.established ? 'child' : state.wants };
    case 'ike-superseded':
      return { ...state, rekeys: state.rekeys + 1n };
    case 'ike-attempt-failed':
      return { ...state, failure: describeFailure(event.reason) };
    case 'path-changed':
    case 'configured':
      return state;
  }
}

function failed(state: NegotiationState, reason: FailureReason): NegotiationState {
  return { ...state, failure: describeFailure(reason), failures: state.failures + 1 };
}

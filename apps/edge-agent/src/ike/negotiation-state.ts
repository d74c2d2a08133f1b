import { formatAddress } from '@weft/ipsec-core';
import {
  type ConnectionEvent,
  describeFailure,
  type EstablishedPath,
  type FailureReason,
  type PathChangeCause,
} from '@weft/ipsec-core/ike';

/** How the negotiation of a tunnel stands. A value: `afterEvent` makes the next one. */
export interface NegotiationState {
  readonly established: boolean;
  /** IANA numbers of the methods that made the keys; empty until it was established. */
  readonly keyExchangeMethods: readonly number[];
  /** A postquantum preshared key is mixed into them, too (RFC 8784). */
  readonly ppk: boolean;
  /** Why the last attempt ended without what was wanted; undefined after a success. */
  readonly failure: string | undefined;
  /** Why somebody was refused last who said to be the peer and did not prove it; undefined after a success. */
  readonly refusal: string | undefined;
  /** Attempts that failed since the last success. */
  readonly failures: number;
  /** Attempts that failed since the agent started, by the code of their reason. */
  readonly failuresByCause: Readonly<Record<string, number>>;
  readonly rekeys: bigint;
  /** Times that it went by another path, by why. */
  readonly pathChangesByCause: Readonly<Partial<Record<PathChangeCause, number>>>;
  /** Why it last did; undefined: it is where it began. */
  readonly pathCause: PathChangeCause | undefined;
  /** What the peer assigned to this edge (RFC 7296 section 3.15), as text; undefined without. */
  readonly assigned: AssignedConfiguration | undefined;
  /** Of what the tunnel needs something is missing, and nothing of ours is under way to get it. */
  readonly wants: 'nothing' | 'ike' | 'child';
}

/** How it stands, and where its IKE SA meets the peer. */
export interface TunnelNegotiation extends NegotiationState {
  /** Undefined without an IKE SA. */
  readonly path?: EstablishedPath | undefined;
  /**
   * What it is negotiated for, and that is not there: a packet, of which there is none or the last one was long ago; or the host, which
   * begins. Undefined when it is negotiated, or to be.
   */
  readonly waitsFor?: 'traffic' | 'host' | undefined;
}

/** Addresses of this edge and of name servers, and the names that are to be asked of these; none: all. */
export interface AssignedConfiguration {
  readonly addresses: string[];
  readonly dns: string[];
  readonly domains: string[];
}

export const UNTRIED: NegotiationState = {
  established: false,
  keyExchangeMethods: [],
  ppk: false,
  failure: undefined,
  refusal: undefined,
  failures: 0,
  failuresByCause: {},
  rekeys: 0n,
  pathChangesByCause: {},
  pathCause: undefined,
  assigned: undefined,
  wants: 'ike',
};

/** What an event of the tunnel's connection means. */
export function afterEvent(state: NegotiationState, event: ConnectionEvent): NegotiationState {
  switch (event.kind) {
    case 'ike-established': {
      const { keyExchangeMethods, postQuantum } = event;
      const up = {
        ...state,
        established: true,
        refusal: undefined,
        pathCause: undefined,
        keyExchangeMethods,
        ppk: postQuantum.includes('ppk'),
      };
      // The first Child SA is refused in the exchange that establishes the IKE SA, and told before it.
      return state.wants === 'child' ? up : { ...up, failure: undefined, failures: 0, wants: 'nothing' };
    }
    case 'ike-rekeyed':
    case 'child-rekeyed':
      return { ...state, rekeys: state.rekeys + 1n, failure: undefined };
    case 'ike-failed':
      return { ...failed(state, event.reason), established: false, assigned: undefined, wants: 'ike' };
    case 'ike-closed':
      return { ...state, established: false, assigned: undefined, wants: 'ike' };
    case 'child-failed':
      return { ...failed(state, event.reason), wants: 'child' };
    case 'child-closed':
      return { ...state, wants: state.established ? 'child' : state.wants };
    case 'ike-superseded':
      return { ...state, rekeys: state.rekeys + 1n };
    case 'ike-attempt-failed': {
      // Whoever it was, has proved nothing: what is wanted is not tried any later for it.
      const refusal = describeFailure(event.reason);
      return { ...state, failure: refusal, refusal, failuresByCause: counted(state, event.reason) };
    }
    case 'configured':
      return { ...state, assigned: assignedBy(event) };
    case 'path-changed': {
      const { cause: pathCause } = event;
      const times = (state.pathChangesByCause[pathCause] ?? 0) + 1;
      return { ...state, pathCause, pathChangesByCause: { ...state.pathChangesByCause, [pathCause]: times } };
    }
  }
}

function assignedBy({
  addresses,
  dns,
  domains,
}: Extract<ConnectionEvent, { kind: 'configured' }>): AssignedConfiguration {
  return { addresses: addresses.map(formatAddress), dns: dns.map(formatAddress), domains: [...domains] };
}

function failed(state: NegotiationState, reason: FailureReason): NegotiationState {
  const failuresByCause = counted(state, reason);
  return { ...state, failure: describeFailure(reason), failures: state.failures + 1, failuresByCause };
}

function counted({ failuresByCause }: NegotiationState, { code }: FailureReason): NegotiationState['failuresByCause'] {
  return { ...failuresByCause, [code]: (failuresByCause[code] ?? 0) + 1 };
}

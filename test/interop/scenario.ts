import type { FailureReason } from '@weft/ipsec-core/ike';
import type { ConnectionSpec } from './edge/connection-spec.js';
import type { Stage } from './stage.js';

export type Initiator = 'us' | 'peer';

/** One thing to be shown with strongSwan, as data. */
export interface Scenario {
  readonly group: string;
  readonly name: string;
  /** Each one of these is a run of its own. */
  readonly initiators: readonly Initiator[];
  /** An algorithm that the peer must list, by its name there. */
  readonly needs?: string;
  readonly ours: ConnectionSpec;
  /** The peer's swanctl.conf. */
  readonly theirs: string;
  /** Files for swanctl's folders: `x509/peer.pem`, `private/peer.pem`, `x509ca/root.pem`. */
  readonly files?: Readonly<Record<string, string>>;
  /** What is different on the way or at the ends, and is put back when the run is over. */
  readonly conditions?: Conditions;
  readonly expect: Expectation;
  /** What the peer's log must say, in strongSwan's words. */
  readonly log?: readonly RegExp[];
  /** Beyond a handshake and traffic; the tunnel is up when it starts. */
  readonly afterwards?: (stage: Stage) => Promise<void>;
}

export interface Conditions {
  set(stage: Stage): Promise<void>;
  unset(stage: Stage): Promise<void>;
}

/** Traffic flows, a ping each way and TCP, or the pings only; or the handshake ends, and we tell why. */
export type Expectation =
  | 'traffic'
  | 'pings'
  /** The Child SA is there; what flows is for `afterwards` to see. */
  | 'nothing sent'
  /** By who initiates: the failure as we report it. Texts may be patterns. */
  | { readonly fails: Readonly<Partial<Record<Initiator, FailurePattern>>> };

export interface FailurePattern {
  readonly code: FailureReason['code'];
  readonly notify?: string;
  readonly exchange?: string;
  readonly detail?: RegExp;
  /** In `refusals`: the transform type on which the two ends do not meet. */
  readonly differsIn?: string;
}

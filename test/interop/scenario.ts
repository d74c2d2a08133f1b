import type { FailureReason } from '@weft/ipsec-core/ike';
import type { ConnectionSpec } from './edge/connection-spec.js';
import type { Stage } from './stage.js';

/** One thing to be shown with strongSwan, as data. */
export interface Scenario {
  readonly group: string;
  readonly name: string;
  /** Each one of these is a run of its own. */
  readonly initiators: readonly Initiator[];
  readonly ours: ConnectionSpec;
  /** The peer's swanctl.conf. */
  readonly theirs: string;
  /** Traffic flows; or the handshake ends like this, as we tell it. */
  readonly expect: 'traffic' | ((reason: FailureReason) => boolean);
  /** Beyond a handshake and traffic; the tunnel is up when it starts. */
  readonly then?: (stage: Stage) => Promise<void>;
}

export type Initiator = 'us' | 'peer';

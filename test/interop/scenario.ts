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
  /** Files for swanctl's folders: `x509/peer.pem`, `private/peer.pem`, `x509ca/root.pem`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Traffic flows; or the handshake ends like this, as we tell it. */
  readonly expect: 'traffic' | ((reason: FailureReason) => boolean);
  /** What the peer's log must say, in strongSwan's words. */
  readonly log?: readonly RegExp[];
  /** Beyond a handshake and traffic; the tunnel is up when it starts. */
  readonly afterwards?: (stage: Stage) => Promise<void>;
}

export type Initiator = 'us' | 'peer';

import type { ChildSa } from './child-sa.js';
import type { IkeSa } from './ike-sa.js';

/**
 * What a request of ours, until it is answered, is about: what section 2.25 looks at when the peer's requests cross it.
 * The peer may grant a Child SA and delete it again before its answer is here: `deletedMeanwhile` are SPIs that it deleted
 * and that we did not know.
 */
export type Purpose =
  /** IKE_SA_INIT, IKE_INTERMEDIATE, IKE_AUTH. */
  | { readonly kind: 'handshake' }
  | { readonly kind: 'create-child'; readonly deletedMeanwhile: Set<number> }
  | {
      readonly kind: 'rekey-child';
      readonly child: ChildSa;
      readonly deletedMeanwhile: Set<number>;
      /** Its CREATE_CHILD_SA is over, and its IKE_FOLLOWUP_KE exchanges are under way (RFC 9370 section 2.2.4). */
      readonly further: boolean;
    }
  | { readonly kind: 'delete-child'; readonly child: ChildSa }
  | { readonly kind: 'rekey-ike'; rival: Rival | undefined; further: boolean }
  | { readonly kind: 'delete-ike' }
  /** Liveness and other requests that concern no SA's existence. */
  | { readonly kind: 'inform' };

/** The peer's rekey of the IKE SA, granted while ours was under way; the nonces decide (section 2.8.2). */
export interface Rival {
  /** Undefined while its additional key exchanges are under way. */
  readonly successor: IkeSa | undefined;
  readonly lowestNonce: Uint8Array;
}

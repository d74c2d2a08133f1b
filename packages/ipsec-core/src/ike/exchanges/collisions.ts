import type { ChildSa } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';

/** What a peer may ask that touches the existence of an SA. */
export type Asked = 'create-child' | 'rekey-child' | 'rekey-ike' | 'delete-child' | 'delete-ike';

/** What we have under way on the same IKE SA when it does. */
export type Underway =
  | 'nothing'
  | 'create-child'
  | 'rekey-this-child'
  /** In its IKE_FOLLOWUP_KE exchanges. */
  | 'rekey-this-child-further'
  | 'rekey-another-child'
  | 'delete-this-child'
  | 'delete-another-child'
  | 'rekey-ike'
  | 'rekey-ike-further'
  | 'delete-ike';

export type CollisionAnswer =
  | 'proceed'
  | 'temporary_failure'
  /** Granted; which of the two new SAs stays is decided by their nonces when both are there (sections 2.8.1, 2.8.2). */
  | 'compare_nonces'
  /** Answered, but the answer names nothing: we are deleting it ourselves. */
  | 'without_delete'
  /** Answered, and our own request is forgotten. */
  | 'forget_ours';

/**
 * RFC 7296 sections 2.25.1 and 2.25.2, every sentence of them a cell; and RFC 9370 section 2.2.4: a request that comes late,
 * to rekey what we rekey when our CREATE_CHILD_SA is over and the additional key exchanges have begun, gets TEMPORARY_FAILURE.
 */
export const COLLISIONS: Readonly<Record<Asked, Readonly<Record<Underway, CollisionAnswer>>>> = {
  'create-child': {
    nothing: 'proceed',
    'create-child': 'proceed',
    'rekey-this-child': 'proceed',
    'rekey-this-child-further': 'proceed',
    'rekey-another-child': 'proceed',
    'delete-this-child': 'proceed',
    'delete-another-child': 'proceed',
    'rekey-ike': 'temporary_failure',
    'rekey-ike-further': 'temporary_failure',
    'delete-ike': 'temporary_failure',
  },
  'rekey-child': {
    nothing: 'proceed',
    'create-child': 'proceed',
    'rekey-this-child': 'compare_nonces',
    'rekey-this-child-further': 'temporary_failure',
    'rekey-another-child': 'proceed',
    'delete-this-child': 'temporary_failure',
    'delete-another-child': 'proceed',
    'rekey-ike': 'temporary_failure',
    'rekey-ike-further': 'temporary_failure',
    'delete-ike': 'temporary_failure',
  },
  'rekey-ike': {
    nothing: 'proceed',
    'create-child': 'temporary_failure',
    'rekey-this-child': 'temporary_failure',
    'rekey-this-child-further': 'temporary_failure',
    'rekey-another-child': 'temporary_failure',
    'delete-this-child': 'temporary_failure',
    'delete-another-child': 'temporary_failure',
    'rekey-ike': 'compare_nonces',
    'rekey-ike-further': 'temporary_failure',
    'delete-ike': 'temporary_failure',
  },
  'delete-child': {
    nothing: 'proceed',
    'create-child': 'proceed',
    'rekey-this-child': 'proceed',
    'rekey-this-child-further': 'proceed',
    'rekey-another-child': 'proceed',
    'delete-this-child': 'without_delete',
    'delete-another-child': 'proceed',
    'rekey-ike': 'proceed',
    'rekey-ike-further': 'proceed',
    'delete-ike': 'proceed',
  },
  'delete-ike': {
    nothing: 'proceed',
    'create-child': 'forget_ours',
    'rekey-this-child': 'forget_ours',
    'rekey-this-child-further': 'forget_ours',
    'rekey-another-child': 'forget_ours',
    'delete-this-child': 'forget_ours',
    'delete-another-child': 'forget_ours',
    'rekey-ike': 'forget_ours',
    'rekey-ike-further': 'forget_ours',
    'delete-ike': 'forget_ours',
  },
};

export function answerTo(asked: Asked, sa: IkeSa, child?: ChildSa): CollisionAnswer {
  return COLLISIONS[asked][underwayOn(sa, child)];
}

/** "an IKE SA that it is currently trying to close (whether or not it has already sent the delete notification …)". */
function underwayOn(sa: IkeSa, child: ChildSa | undefined): Underway {
  if (sa.state.name !== 'established') return 'delete-ike';
  const purpose = sa.underway;
  switch (purpose?.kind) {
    case 'create-child':
    case 'delete-ike':
      return purpose.kind;
    case 'rekey-ike':
      return purpose.further ? 'rekey-ike-further' : 'rekey-ike';
    case 'rekey-child':
      if (purpose.child !== child) return 'rekey-another-child';
      return purpose.further ? 'rekey-this-child-further' : 'rekey-this-child';
    case 'delete-child':
      return purpose.child === child ? 'delete-this-child' : 'delete-another-child';
    default:
      return 'nothing';
  }
}

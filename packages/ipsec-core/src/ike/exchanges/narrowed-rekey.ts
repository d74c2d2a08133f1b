import type { ChildSa } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import { describeSelector, isWithin, narrow } from '../narrowing.js';
import type { ChildContext } from './child-context.js';
import { childFailed } from './child-install.js';
import type { ChildAgreement } from './child-negotiation.js';
import { deleteChild, deleteRedundant } from './delete-child.js';
import { childRekeyRefused } from './refused-rekey.js';

/**
 * At which end the answer to our rekey is narrower than what it is to replace, as far as we still offer that: "The responder MUST
 * NOT narrow down the Traffic Selectors narrower than the scope currently in use" (RFC 7296 section 2.9.2).
 */
export function narrowedSide(
  { association }: ChildSa,
  agreement: Pick<ChildAgreement, Side>,
  offered: Pick<ChildContext, Side>,
): Side | undefined {
  return SIDES.find((side) => !isWithin(narrow(association[side], offered[side]), agreement[side]));
}

export function tellNarrowed(
  sa: IkeSa,
  { association, configuration }: ChildSa,
  agreement: Pick<ChildAgreement, Side>,
  side: Side,
  now: number,
): void {
  const describe = (selectors: Pick<ChildAgreement, Side>) => selectors[side].map(describeSelector);
  const reason = {
    code: 'rekey_narrowed',
    side,
    answered: describe(agreement),
    before: describe(association),
  } as const;
  childFailed(sa, configuration.name, reason, now);
}

/**
 * The old one goes on, since a narrower one would not carry all that it does, and the new one is deleted. A peer whose policy has
 * changed does not take that back: what it admits now is found out with another IKE SA, made before this one is broken. Where
 * that cannot be made, the narrower one is better than none, and takes the place of the old one as any other.
 */
export function keepWider({ lineage }: IkeSa, old: ChildSa, child: ChildSa, now: number): void {
  deleteRedundant(lineage, child, now);
  if (old.condemned && old.phase === 'live') {
    deleteChild(lineage, old, now);
    return;
  }
  if (old.phase === 'live') childRekeyRefused(lineage, old, 'TS_UNACCEPTABLE', now);
  if (lineage.standing) lineage.timers.set('reauthenticate', now);
}

type Side = 'local' | 'remote';

const SIDES = ['local', 'remote'] as const;

import { type ChildSa, compareNonces } from '../child-sa.js';
import type { Lineage } from '../lineage.js';
import { REDUNDANCY_DELAY } from '../timers.js';
import { closeIke } from './close.js';
import { deleteRedundant } from './delete-child.js';

/**
 * One SA pair per policy, one IKE SA per connection: two ends that make one at the same time each make one, and a peer
 * that forgot the first makes a second. RFC 7296 section 2.8 only says that duplicates "SHOULD" be closed; we decide by
 * the nonces, as section 2.8.1 does, so that both ends of ours decide alike: of two by one creator the newer stays, of two
 * by different ones that with the higher nonce. Whoever made the redundant one deletes it, when both have long been
 * usable; should it not, the other end does.
 */
export function resolveRedundancy(lineage: Lineage, now: number): void {
  if (!lineage.standing) return;
  let waiting = false;
  const verdict = (redundant: Candidate): boolean => {
    const ours = redundant.creator === 'us';
    const mayGo = now - redundant.madeAt >= (ours ? REDUNDANCY_DELAY : PATIENCE);
    waiting ||= !mayGo;
    return mayGo;
  };
  const lineages = lineage.host.established(lineage.connection);
  for (const redundant of redundantOf(lineages.map(asCandidate))) {
    if (verdict(redundant)) closeIke(redundant.subject, now);
  }
  for (const policy of new Set(lineage.children.all.map((child) => child.policy))) {
    const live = lineage.children.standing(policy).filter((child) => child.phase === 'live');
    const settled = !isRekeying(lineage, live);
    for (const redundant of settled ? redundantOf(live.map(childAsCandidate)) : []) {
      if (verdict(redundant)) deleteRedundant(lineage, redundant.subject, now);
    }
    waiting ||= !settled;
  }
  if (waiting) lineage.timers.set('redundancy', now + REDUNDANCY_DELAY);
}

interface Candidate<Subject = unknown> {
  readonly subject: Subject;
  readonly creator: 'us' | 'peer';
  readonly madeAt: number;
  readonly lowestNonce: Uint8Array;
}

/** All but the one that stays. Candidates come oldest first. */
function redundantOf<Subject>(candidates: readonly Candidate<Subject>[]): readonly Candidate<Subject>[] {
  const newest = (creator: 'us' | 'peer') => candidates.filter((candidate) => candidate.creator === creator).at(-1);
  const [ours, theirs] = [newest('us'), newest('peer')];
  const stays =
    ours !== undefined && theirs !== undefined
      ? compareNonces(ours.lowestNonce, theirs.lowestNonce) > 0
        ? ours
        : theirs
      : (ours ?? theirs);
  return candidates.filter((candidate) => candidate !== stays);
}

function asCandidate(lineage: Lineage): Candidate<Lineage> {
  const { initiator: creator, establishedAt, lowestNonce } = lineage;
  return { subject: lineage, creator, madeAt: establishedAt ?? 0, lowestNonce };
}

function childAsCandidate(child: ChildSa): Candidate<ChildSa> {
  const { creator, madeAt, lowestNonce } = child;
  return { subject: child, creator, madeAt, lowestNonce };
}

function isRekeying(lineage: Lineage, children: readonly ChildSa[]): boolean {
  const purpose = lineage.current.underway;
  return purpose?.kind === 'rekey-child' && children.includes(purpose.child);
}

/** Three times the delay: then the peer does not think as we do. */
const PATIENCE = 3 * REDUNDANCY_DELAY;

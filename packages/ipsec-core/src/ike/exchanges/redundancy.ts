import { type ChildSa, compareNonces } from '../child-sa.js';
import type { Lineage } from '../lineage.js';
import { REDUNDANCY_DELAY, REDUNDANCY_LIMIT, SETTLED } from '../timers.js';
import { confirmOutbound } from './child-install.js';
import { closeIke } from './close.js';
import { deleteRedundant } from './delete-child.js';
import { inform } from './inform.js';

/**
 * One SA pair per policy, one IKE SA per connection: two ends that make one at the same time each make one, and a peer
 * that forgot the first makes a second. RFC 7296 section 2.8 only says that duplicates "SHOULD" be closed; we decide by
 * the nonces, as section 2.8.1 does, so that both ends of ours decide alike: of two by one creator the newer stays, of two
 * by different ones that with the higher nonce. Whoever made the redundant one deletes it, as soon as the peer is known to
 * have its end of the other; should it not, the other end does.
 */
export function resolveRedundancy(lineage: Lineage, now: number): void {
  if (!lineage.standing) return;
  let waiting = resolveLineages(lineage, now);
  for (const policy of new Set(lineage.children.all.map((child) => child.policy))) {
    const live = lineage.children.standing(policy).filter((child) => child.phase === 'live');
    const settled = !isRekeying(lineage, live);
    const redundant = settled ? redundantOf(live.map(childAsCandidate)) : [];
    const stays = live.find((child) => !redundant.some(({ subject }) => subject === child));
    for (const { subject, creator, madeAt } of redundant) {
      const since = Math.max(madeAt, stays?.madeAt ?? madeAt);
      const mayGo = now - since >= patience(creator, stays?.creator === 'us' || stays?.outboundInUse === true);
      if (mayGo) deleteRedundant(lineage, subject, now);
      waiting ||= !mayGo;
    }
    waiting ||= !settled;
  }
  if (waiting) lineage.timers.set('redundancy', now + REDUNDANCY_DELAY);
}

/**
 * How long both have to be there before the redundant one goes. What the peer made is its to delete, and it may take it for
 * the successor of the other, whose Delete is lost now and then: each end would delete what the other keeps, and nothing
 * would be left. When ten times as long has passed, the peer does not think as we do.
 */
function patience(creator: 'us' | 'peer', peerHasOther: boolean): number {
  return (creator === 'us' ? 1 : 10) * (peerHasOther ? REDUNDANCY_DELAY : REDUNDANCY_LIMIT);
}

/**
 * IKE SAs of one connection, if it is to have but one. Whoever authenticates anew deletes the old one itself, and knows
 * which that is. The other end sees only that one was begun long after the other stood: it is meant to replace it, whatever
 * the nonces. True while one is redundant and its time has not come.
 */
function resolveLineages(lineage: Lineage, now: number): boolean {
  const { host, connection } = lineage;
  if (connection.uniqueness === 'never') return false;
  const all = host.established(connection);
  const replaced = new Set(all.map(({ replaces }) => replaces));
  const rest = all.filter((other) => !replaced.has(other));
  const youngest = rest.at(-1);
  if (youngest === undefined || rest.length < 2) return false;
  const begunAtOnce = rest.filter((other) => youngest.startedAt - (other.establishedAt ?? 0) < SETTLED);
  const losers = new Set(redundantOf(begunAtOnce.map(asCandidate)).map(({ subject }) => subject));
  const stays = begunAtOnce.find((other) => !losers.has(other)) ?? youngest;
  confirmChildren(youngest, now);
  const confirmed = confirmChildren(stays, now);
  let waiting = false;
  for (const redundant of rest) {
    if (redundant === stays) continue;
    const creator = (losers.has(redundant) ? redundant : stays).initiator;
    const since = Math.max(redundant.establishedAt ?? 0, stays.establishedAt ?? 0);
    const mayGo = now - since >= patience(creator, confirmed);
    waiting ||= !mayGo;
    if (mayGo) closeIke(redundant, now);
  }
  return waiting;
}

/**
 * The peer made it and sends nothing on its Child SAs, so that we do not know whether it has them: an answer on the new IKE
 * SA shows that it got ours in IKE_AUTH, and the Child SA in it. Should it have forgotten the others, traffic must not wait
 * for them to be found dead. True when there is nothing to be found out.
 */
function confirmChildren(lineage: Lineage, now: number): boolean {
  const { initiator, children, establishedAt = now } = lineage;
  const waiting = children.all.filter(
    ({ madeAt, outboundInUse, phase }) => madeAt <= establishedAt && !outboundInUse && phase === 'live',
  );
  if (initiator === 'us' || waiting.length === 0) return true;
  inform(lineage, 'confirm', [], now, (_payloads, later) => {
    for (const child of waiting) confirmOutbound(lineage, child);
    resolveRedundancy(lineage, later);
  });
  return false;
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

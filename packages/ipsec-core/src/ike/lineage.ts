import { Allowance } from './allowance.js';
import type { ChildSa } from './child-sa.js';
import { ChildSas } from './child-sas.js';
import {
  type ChildConfiguration,
  type Connection,
  calledAt,
  type Flow,
  type NatTraversalPolicy,
  natTraversalOf,
} from './connection.js';
import { History } from './history/history.js';
import type { IkeHost } from './host.js';
import { IkeSa } from './ike-sa.js';
import { Mobility } from './mobility.js';
import type { FailureReason, IkeEvent, PathChangeCause } from './outputs.js';
import { type Path, samePath } from './path.js';
import type { IkeState } from './states.js';
import {
  KEEPALIVE_INTERVAL,
  type LineageTimer,
  LONG_PATIENCE,
  PATIENCE,
  type Patience,
  PROBE_AFTER,
  Timers,
} from './timers.js';

/**
 * An IKE SA and those that replace it by rekeying, and what they hold in common: the Child SAs, which RFC 7296 section
 * 2.18 has the successor inherit, what is still to be asked of the peer, the path, the history.
 *
 * While a rekey of the IKE SA is under way the two ends do not change over at the same moment: one may speak of a Child SA
 * on the successor when the other still waits for the answer that makes it one. Because Child SAs belong to the lineage,
 * both find it, whichever IKE SA the message travels on; nothing moves, so nothing is lost while it moves.
 */
export class Lineage {
  readonly host: IkeHost;
  /** Who sent the first message. */
  readonly initiator: 'us' | 'peer';
  readonly startedAt: number;
  readonly timers: Timers<LineageTimer>;
  readonly history = new History();
  readonly children: ChildSas;
  connection: Connection;
  path: Path;
  nat = NO_NAT;
  /** What we say of NATs from its beginning to its end, so that both ends see the same. Another policy needs another one. */
  readonly natPolicy: NatTraversalPolicy;
  /** Of the connections when it began: those of now may say something else. */
  readonly configured: number;
  /** The peer knows NAT traversal, as its IKE_SA_INIT message showed, and we do not prohibit it. */
  natTraversal = false;
  readonly mobility: Mobility;
  peerSupportsFragmentation = false;
  /** Methods of RFC 9370 that its first IKE SA was made with, in order. */
  additionalKeyExchanges: readonly number[] = [];
  /** Its peer comes from an address where we call nobody, and has not said who it is: `connection` may be that of another. */
  stranger: boolean;
  /** A PPK is mixed into its keys. */
  ppk = false;
  /** IKE_AUTH brought no Child SA, as both ends wanted. */
  childless = false;
  /** When its latest new authentic message came. */
  lastHeard: number;
  /** Undefined until both identities are proved. */
  establishedAt: number | undefined;
  /** Of the IKE_SA_INIT exchange: decides between lineages that both ends began at once. */
  lowestNonce: Uint8Array = new Uint8Array(0);
  /** How often somebody who proved nothing may make us ask the peer something. */
  readonly hints = new Allowance(3, 0.1);
  /** Since when the peer has answered nothing but TEMPORARY_FAILURE. */
  refusedSince: number | undefined;
  /** How often in a row the peer refused to replace the IKE SA. */
  rekeyRefusals = 0;
  /** Children that we shall ask for again, by policy. */
  readonly retries = new Map<string, ChildRetry>();
  /** What the configuration payload assigned to either end, which 'virtual' selectors stand for. */
  readonly virtual: { readonly local: Uint8Array[]; readonly remote: Uint8Array[] } = { local: [], remote: [] };
  /** The lineage that this one is made to take the place of, by a reauthentication of ours. */
  readonly replaces: Lineage | undefined;
  /** It is to be deleted as soon as it is established: the peer may have it when we do not want it any more. */
  unwanted = false;
  /** The latest that we made to take the place of this one. */
  reauthentication: Lineage | undefined;
  /** The peer was asked to make it. */
  reauthenticationAsked = false;
  /** The IKE SA that requests of ours go on. */
  current: IkeSa;
  readonly #all = new Set<IkeSa>();
  #tasks: readonly Task[] = [];
  #failureTold = false;
  #atEnd: readonly (() => void)[] = [];

  constructor(host: IkeHost, origin: Origin) {
    this.host = host;
    this.connection = origin.connection;
    this.path = origin.path;
    this.initiator = origin.role === 'initiator' ? 'us' : 'peer';
    this.startedAt = origin.now;
    this.replaces = origin.replaces;
    this.stranger = origin.stranger ?? false;
    this.natPolicy = natTraversalOf(origin.connection);
    this.configured = host.connections.generation;
    this.lastHeard = origin.now;
    this.timers = new Timers((next) => host.deadline(this, next));
    this.mobility = new Mobility(
      () => host.localAddresses.get(this.connection.name) ?? [],
      () => calledAt(this.connection.remote).map(({ address }) => address),
    );
    this.children = new ChildSas(host, {
      schedule: (dueAt) => {
        if (dueAt === undefined) this.timers.clear('child');
        else this.timers.set('child', dueAt);
      },
      takeOver: (child) => this.#takeOver(child),
    });
    this.current = this.beget(origin.role, origin.peerSpi, origin.state);
  }

  /** Established, and not being deleted: new requests can be made. */
  get standing(): boolean {
    return this.current.state.name === 'established';
  }

  get closed(): boolean {
    return this.current.state.name === 'closed';
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#tasks.length === 0 && this.current.underway === undefined;
  }

  /** Every IKE SA of it that is not shut: the current one, predecessors that linger, successors that lost. */
  get all(): ReadonlySet<IkeSa> {
    return this.#all;
  }

  /**
   * The IKE SA that the peer may still believe to be the current one: it has not spoken on the successor, as the answer that
   * makes it one may have been lost.
   */
  get doubtfulPredecessor(): IkeSa | undefined {
    if (this.current.heard) return undefined;
    return [...this.#all].reverse().find(({ state }) => state.name === 'replaced');
  }

  /** Its first IKE SA, or a successor of the current one that is not in use yet. */
  beget(role: 'initiator' | 'responder', peerSpi: Uint8Array, state: IkeState): IkeSa {
    const sa = new IkeSa(this, role, peerSpi, state);
    this.#all.add(sa);
    return sa;
  }

  /** A peer that rekeys without end does not make us keep all that it replaced. */
  limit(now: number): void {
    for (const sa of this.#all) {
      if (this.#all.size <= MAXIMUM_IKE_SAS) return;
      if (sa !== this.current && sa.underway === undefined) sa.shut(now);
    }
  }

  /** The peer says that it is that of the connection. */
  claim(connection: Connection): void {
    this.connection = connection;
    this.stranger = false;
  }

  /** Runs on the current IKE SA when it is established and no request of ours is under way; once, however often asked. */
  enqueue(task: Task, now: number): void {
    if (!this.#tasks.some((other) => other.key === task.key)) this.#tasks = [...this.#tasks, task];
    this.pump(now);
  }

  /** Before everything else that waits, but what is urgent. */
  enqueueFirst(task: Task, now: number): void {
    const others = this.#tasks.filter((other) => other.key !== task.key);
    const before = task.urgent === true ? [] : others.filter((other) => other.urgent === true);
    this.#tasks = [...before, task, ...others.filter((other) => !before.includes(other))];
    this.pump(now);
  }

  /** To be called whenever the current IKE SA may have become free. */
  pump(now: number): void {
    while (this.standing && this.current.underway === undefined) {
      const [task, ...rest] = this.#tasks;
      if (task === undefined) return;
      this.#tasks = rest;
      task.run(this.current, now);
    }
  }

  /**
   * Section 2.23: a host "that is not behind a NAT, SHOULD send all packets (including retransmission packets) to the IP
   * address and port in the validated packet", of which only new ones come here. Who is behind a NAT itself should
   * not, as one packet could break the connection; of a responder we take it that its NAT is a static one, since it was
   * found. With MOBIKE nobody does (RFC 4555 section 3.8): only UPDATE_SA_ADDRESSES moves an SA then.
   */
  follow(path: Path, now: number): void {
    if (this.establishedAt === undefined) {
      this.path = path;
      return;
    }
    const { peerBehind, weBehind } = this.nat;
    if (this.mobility.inUse || !peerBehind || (weBehind && this.initiator === 'us')) return;
    if (samePath(path, this.path)) return;
    this.take(path, 'peer_moved', now);
    this.children.move(path, this.nat.present);
  }

  /** Messages go by this path from now on, also those that are under way (RFC 4555 section 3.5). */
  take(path: Path, cause: PathChangeCause, now: number): void {
    const changed = !samePath(path, this.path);
    this.path = path;
    this.mobility.generation++;
    if (!changed) return;
    this.current.note({ kind: 'path-changed', ...path }, now);
    this.tell({ kind: 'path-changed', connection: this.connection.name, ...path, cause });
    for (const sa of this.#all) sa.resend(now);
  }

  /** What is known now of NATs on the path; who is behind one keeps its mapping alive. */
  situate(nat: NatSituation, now: number): void {
    const before = this.nat;
    this.nat = nat;
    if (nat.weBehind && !before.weBehind && this.establishedAt !== undefined)
      this.timers.set('keepalive', now + KEEPALIVE_INTERVAL);
  }

  /** Which ways an attempt to send a request goes: at first the one in use, then all others as well. */
  paths(attempt: number): readonly Path[] {
    const { mobility } = this;
    const searches = mobility.inUse && (this.initiator === 'us' || mobility.displaced);
    const others = searches && attempt >= this.probeAfter ? mobility.alternatives(this.path) : [];
    // What went several ways says nothing of one of them when it is answered (RFC 4555 section 3.7).
    if (others.length > 0) mobility.generation++;
    return [this.path, ...others];
  }

  /** For an answer of the peer. */
  get patience(): Patience {
    if (this.mobility.inUse && this.initiator === 'peer') return LONG_PATIENCE;
    const watch = this.watching ? this.connection.mobike?.watch : undefined;
    if (watch === undefined) return PATIENCE;
    const { patience: first, missed: steady } = watch;
    // As long in all, whatever comes before the pauses that grow.
    return { ...PATIENCE, first, steady, limit: PATIENCE.limit + steady };
  }

  /** It is for us to find a path that works, and we look for one before it is needed (RFC 4555 section 3.10). */
  get watching(): boolean {
    return this.mobility.inUse && this.initiator === 'us' && this.connection.mobike?.watch !== undefined;
  }

  /** Repetitions of a request with which other paths are tried, too. */
  get probeAfter(): number {
    const watch = this.watching ? this.connection.mobike?.watch : undefined;
    return watch === undefined ? PROBE_AFTER : watch.missed + 1;
  }

  /**
   * Another lineage with the same peer is established and goes on. Where several hosts share an identity, only what we made
   * to replace this one is known to be of the same.
   */
  get otherStands(): boolean {
    if (this.connection.uniqueness === 'never') return this.reauthentication?.standing === true;
    return this.host.established(this.connection).some((other) => other !== this);
  }

  /** Runs when nothing of it stands any more. */
  atEnd(run: () => void): void {
    this.#atEnd = [...this.#atEnd, run];
  }

  tell(event: IkeEvent): void {
    this.host.emit({ kind: 'event', event });
  }

  /**
   * Once. What a peer began and never proved is an attempt, which changes nothing of the connection that it named: told of
   * each connection now and then only, as anybody may begin as many as he likes.
   */
  tellFailure(reason: FailureReason, now: number): void {
    if (this.#failureTold) return;
    this.#failureTold = true;
    const { host, stranger, path } = this;
    const { name: connection } = this.connection;
    const unproved = this.initiator === 'peer' && this.establishedAt === undefined;
    if (unproved && !host.mayExplain(stranger ? undefined : connection, now)) return;
    const history = this.history.snapshot();
    if (stranger) this.tell({ kind: 'stranger-refused', remote: path.remote, reason, history });
    else
      this.tell({
        kind: unproved || this.otherStands ? 'ike-attempt-failed' : 'ike-failed',
        connection,
        reason,
        history,
      });
  }

  /** An IKE SA of it cannot go on. Only the current one matters to the others. */
  broken(sa: IkeSa, reason: FailureReason, now: number): void {
    if (sa !== this.current) sa.shut(now);
    else if (sa.state.name === 'deleting') {
      this.end('us', now);
      this.close(now);
    } else this.fail(reason, now);
  }

  /** Cannot go on: says why once, removes its Child SAs, forgets its keys. */
  fail(reason: FailureReason, now: number): void {
    if (this.closed) return;
    this.current.note({ kind: 'failed', reason }, now);
    this.tellFailure(reason, now);
    this.close(now);
  }

  /** A Delete of the IKE SA was answered, by us or by the peer. The IKE SA stays a while to answer repetitions. */
  end(by: 'us' | 'peer', now: number): void {
    const { current, connection } = this;
    current.retire('deleting', now);
    current.forgetRequest(now);
    this.#tasks = [];
    this.timers.clearAll();
    for (const sa of this.#all) if (sa !== current) sa.shut(now);
    for (const child of this.children.all) this.children.release(child, now);
    this.#finish(now);
    if (this.#failureTold) return;
    const kind = this.otherStands ? 'ike-superseded' : 'ike-closed';
    this.tell({ kind, connection: connection.name, by, history: this.history.snapshot() });
  }

  /** Not to come up. What the peer may have established already must be deleted there, which only works when it is here. */
  giveUp(now: number): void {
    if (this.initiator === 'us' && PEER_MAY_HAVE_IT.has(this.current.state.name)) this.unwanted = true;
    else this.close(now);
  }

  /** At once and without a word to the peer. */
  close(now: number): void {
    this.#tasks = [];
    for (const sa of [...this.#all]) sa.shut(now);
    for (const child of this.children.all) this.children.remove(child);
    this.timers.clearAll();
    this.#finish(now);
  }

  /** An IKE SA of it was shut; with the current one everything goes. */
  lost(sa: IkeSa, now: number): void {
    this.#all.delete(sa);
    if (sa === this.current) this.close(now);
  }

  /** What was to take the place of another, or was taken for that, is gone: whoever stays may have to be replaced still. */
  #finish(now: number): void {
    for (const other of this.host.established(this.connection)) other.timers.set('nat-policy', now);
    const runs = this.#atEnd;
    this.#atEnd = [];
    for (const run of runs) run();
  }

  #takeOver(leaving: ChildSa): boolean {
    const lineages = this.host.established(this.connection);
    // One that goes as a whole is no place to move to, not even for a moment.
    for (const lineage of this.standing ? [this, ...lineages] : lineages) {
      const others = lineage.children.standing(leaving.policy).filter((child) => child !== leaving);
      // Of those not in use the oldest: the peer may not have its end of a successor yet.
      const next = others.find((child) => child.outboundInUse) ?? others[0];
      if (next === undefined) continue;
      if (leaving.outboundInUse) lineage.children.useOutbound(next);
      return true;
    }
    return false;
  }
}

/** A Child SA that the peer could not make just now. */
export interface ChildRetry {
  readonly configuration: ChildConfiguration;
  readonly flow: Flow | undefined;
  readonly at: number;
}

export interface Task {
  /** Tasks of one key are one task. */
  readonly key: string;
  /** Until it is done, packets go astray. */
  readonly urgent?: true;
  run(sa: IkeSa, now: number): void;
}

export interface Origin {
  readonly connection: Connection;
  readonly path: Path;
  readonly role: 'initiator' | 'responder';
  readonly peerSpi: Uint8Array;
  readonly state: IkeState;
  readonly now: number;
  readonly replaces?: Lineage | undefined;
  readonly stranger?: boolean;
}

export interface NatSituation {
  /** Between the two: ESP travels in UDP (RFC 3948). */
  readonly present: boolean;
  readonly peerBehind: boolean;
  readonly weBehind: boolean;
}

/** Our proof may have convinced the peer. */
const PEER_MAY_HAVE_IT: ReadonlySet<IkeState['name']> = new Set([
  'awaiting-auth-response',
  'awaiting-peer-verification',
]);
const MAXIMUM_IKE_SAS = 8;
export const NO_NAT: NatSituation = { present: false, peerBehind: false, weBehind: false };

import type { DerivedAssociation } from './chain.js';
import { RETIRE_AFTER } from './inbound-window.js';
import type { KeyingOutput } from './outputs.js';
import type { RootKeys } from './root-keys.js';

/** What the roots of a tunnel do to the world around them. */
export interface RootsHost {
  emit(output: KeyingOutput): void;
  /** Emits everything that a restart has to know. */
  store(): void;
}

/** The roots of one tunnel, oldest first: one that is sent on, later ones that the peer has not used yet, and earlier ones that it has. */
export class Roots {
  readonly #host: RootsHost;
  #list: RootKeys[] = [];
  #inForce = 0;

  constructor(host: RootsHost) {
    this.#host = host;
  }

  get all(): readonly RootKeys[] {
    return this.#list;
  }

  /** Number of the root that is sent on, or 0. */
  get inForceNumber(): number {
    return this.#inForce;
  }

  get inForce(): RootKeys | undefined {
    return this.find(this.#inForce);
  }

  get newest(): RootKeys | undefined {
    return this.#list.at(-1);
  }

  find(number: number): RootKeys | undefined {
    return this.#list.find((root) => root.number === number);
  }

  /**
   * After a restart: on associations that were never installed, in both directions, which the peer has to be told. Roots before the
   * one that is sent on stay away: the peer is told of that by the same packet.
   */
  restore(roots: readonly RootKeys[], inForce: number, clock: number): void {
    for (const root of roots) if (root.number < inForce) root.wipe();
    this.#list = roots.filter(({ number }) => number >= inForce);
    this.#inForce = inForce;
    const fresh = this.#list.map((root) => {
      root.leastOutbound = Math.max(root.leastOutbound, root.inbound.neverInstalled.position);
      return { root, inbound: root.inbound.open(), outbound: root.nextOutbound() };
    });
    if (fresh.length > 0) this.#host.store();
    for (const { root, inbound } of fresh) this.#install(root, 'inbound', inbound);
    for (const { root, outbound } of fresh) {
      if (outbound === undefined) this.#alarmExhausted(root);
      else this.#install(root, 'outbound', [outbound]);
      this.#announce(root, clock, FIRST_PAUSE);
    }
  }

  /** Receives on a new root; forgets those that neither end sends on. */
  add(root: RootKeys, peerInForce: number): void {
    const gone = this.#list.filter(({ number }) => number !== peerInForce && number !== this.#inForce);
    this.#list = [...this.#list.filter((other) => !gone.includes(other)), root];
    const fresh = root.inbound.open();
    this.#host.store();
    this.#install(root, 'inbound', fresh);
    for (const other of gone) this.#remove(other);
  }

  /** The peer receives on it: from now on it is sent on. */
  bringIntoForce(root: RootKeys, clock: number): void {
    if (root.number <= this.#inForce) return;
    const before = this.inForce;
    this.#inForce = root.number;
    this.#advance(root);
    this.#host.emit({ kind: 'in_force', root: root.number });
    this.#stopSending(before);
    this.#announce(root, clock, FIRST_PAUSE);
  }

  /** The peer sends on an association: it receives what belongs to it, and this end follows to its number. */
  used(spi: number, clock: number): void {
    const root = this.#list.find(({ inbound }) => inbound.numberOf(spi) !== undefined);
    const number = root?.inbound.numberOf(spi);
    if (root === undefined || number === undefined) return;
    const fresh = root.inbound.used(number, clock);
    if (fresh.length > 0) {
      this.#host.store();
      this.#install(root, 'inbound', fresh);
    }
    if (root.number > this.#inForce) root.leastOutbound = Math.max(root.leastOutbound, number);
    this.bringIntoForce(root, clock);
    if (root.number < this.#inForce) return;
    for (const earlier of this.#list) {
      if (earlier.number < root.number) earlier.retireAt ??= clock + RETIRE_AFTER;
    }
    if (root.sending !== undefined && number < root.sending.number) return;
    root.announcement = undefined;
    if (root.sending?.number !== number) this.#goTo(root, number);
  }

  /** What one key may protect is protected. */
  spent(spi: number): void {
    const root = this.inForce;
    if (root?.sending?.spi === spi) this.#advance(root);
  }

  /** Ends what cannot be received on in any other way than that the peer goes past it, which it does when this end does. */
  spiInUse(spi: number): void {
    const root = this.#list.find(({ inbound }) => inbound.numberOf(spi) !== undefined);
    const number = root?.inbound.numberOf(spi);
    if (root === undefined || number === undefined) return;
    root.inbound.forget(spi);
    root.leastOutbound = Math.max(root.leastOutbound, number + 1);
    if (root.sending !== undefined && root.sending.number <= number) this.#goTo(root, number + 1);
  }

  unknownSpi(spi: number): void {
    for (const root of this.#list) {
      const found = root.inbound.lookAhead(spi);
      if (found === undefined) continue;
      this.#host.store();
      this.#install(root, 'inbound', [found]);
      return;
    }
  }

  /** Ends what has had its time. */
  elapse(clock: number, hardLifetime: number): void {
    for (const root of this.#list) {
      for (const spi of root.inbound.retired(clock)) this.#host.emit({ kind: 'remove', direction: 'inbound', spi });
      const { announcement } = root;
      if (announcement !== undefined && announcement.at <= clock) this.#announce(root, clock, 2 * announcement.pause);
    }
    this.#end((root) => (root.retireAt ?? Number.POSITIVE_INFINITY) <= clock, clock);
    this.#end((root) => clock - root.name.bornAt >= hardLifetime, clock);
  }

  /** The next time at which `elapse` has something to do. */
  deadline(hardLifetime: number): number {
    return Math.min(
      ...this.#list.flatMap(({ inbound, announcement, retireAt, name }) => [
        name.bornAt + hardLifetime,
        inbound.deadline ?? Number.POSITIVE_INFINITY,
        announcement?.at ?? Number.POSITIVE_INFINITY,
        retireAt ?? Number.POSITIVE_INFINITY,
      ]),
    );
  }

  /** Ends all of it. */
  end(): void {
    const gone = this.#list;
    this.#list = [];
    this.#inForce = 0;
    for (const root of gone) this.#remove(root);
  }

  #end(over: (root: RootKeys) => boolean, clock: number): void {
    const gone = this.#list.filter(over);
    if (gone.length === 0) return;
    this.#list = this.#list.filter((root) => !gone.includes(root));
    const ended = gone.find(({ number }) => number === this.#inForce);
    const { newest } = this;
    if (ended !== undefined) this.#inForce = 0;
    this.#host.store();
    // Nothing says that the peer has it, and nothing else is left.
    if (ended !== undefined && newest !== undefined) this.bringIntoForce(newest, clock);
    for (const root of gone) this.#remove(root);
    if (ended === undefined || newest !== undefined) return;
    this.#host.emit({ kind: 'alarm', alarm: { code: 'hard_lifetime', root: ended.number } });
  }

  #goTo(root: RootKeys, number: number): void {
    root.leastOutbound = Math.max(root.leastOutbound, number);
    this.#advance(root);
    if (root.sending !== undefined) this.#host.emit({ kind: 'announce', spi: root.sending.spi });
  }

  /** Takes the next association for sending, which is stored as passed before it is used. */
  #advance(root: RootKeys): void {
    const before = root.sending;
    const next = root.nextOutbound();
    if (next === undefined) {
      // What is sent on stays so until its own limits end it.
      root.sending = before;
      this.#alarmExhausted(root);
      return;
    }
    this.#host.store();
    this.#install(root, 'outbound', [next]);
    if (before !== undefined) this.#host.emit({ kind: 'remove', direction: 'outbound', spi: before.spi });
  }

  #stopSending(root: RootKeys | undefined): void {
    if (root?.sending === undefined) return;
    this.#host.emit({ kind: 'remove', direction: 'outbound', spi: root.sending.spi });
    root.sending = undefined;
    root.announcement = undefined;
  }

  #announce(root: RootKeys, clock: number, pause: number): void {
    if (root.sending === undefined) return;
    const bounded = Math.min(pause, LONGEST_PAUSE);
    root.announcement = { at: clock + bounded, pause: bounded };
    this.#host.emit({ kind: 'announce', spi: root.sending.spi });
  }

  #install(root: RootKeys, direction: 'inbound' | 'outbound', associations: readonly DerivedAssociation[]): void {
    const { number: of, name } = root;
    const preferred = direction === 'outbound' && of === this.#inForce;
    for (const association of associations) {
      this.#host.emit({ kind: 'install', direction, root: of, suite: name.suite.name, preferred, ...association });
    }
  }

  #remove(root: RootKeys): void {
    this.#stopSending(root);
    for (const spi of root.inbound.spis) this.#host.emit({ kind: 'remove', direction: 'inbound', spi });
    root.wipe();
  }

  #alarmExhausted({ number }: RootKeys): void {
    this.#host.emit({ kind: 'alarm', alarm: { code: 'exhausted', root: number } });
  }
}

/** Between announcements, milliseconds; each pause is twice the one before. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

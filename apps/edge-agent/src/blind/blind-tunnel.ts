import {
  type Alarm,
  type InstalledAssociation,
  type KeyingCrypto,
  type KeyingInput,
  type KeyingOutput,
  type Refusal,
  type StoredState,
  TunnelKeying,
  type TunnelTerms,
} from '@weft/ipsec-core/blind';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import { DataPlaneRefusal } from '../dataplane/plane-error.js';
import { messageOf } from '../platform/agent-error.js';
import { type BlindForm, blindAssociation } from './blind-association.js';
import { Inbox } from './inbox.js';
import type { KeyShareProof } from './key-share-proof.js';
import { MAX_BELIEVED, TunnelKeyError, type TunnelKeyStore } from './tunnel-key-store.js';

/** What associations are installed in. */
export type BlindPlane = Pick<DataPlaneControl, 'install' | 'remove' | 'announce' | 'move'>;

/** What the keys of a tunnel are made and kept with. */
export interface BlindTunnelParts {
  readonly crypto: KeyingCrypto;
  readonly store: Pick<TunnelKeyStore, 'load' | 'keep'>;
  readonly plane: BlindPlane;
  readonly proof: KeyShareProof;
  /** To the controller, in place of what was published of this tunnel before. */
  readonly publish: (tunnelId: string, message: Uint8Array) => void;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** Does something when not too much else of the same kind is under way. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  readonly onNews: (tunnelId: string, news: BlindNews) => void;
}

/** What became of the keys of a tunnel. */
export type BlindNews =
  | { readonly kind: 'in_force'; readonly root: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'alarm'; readonly alarm: Alarm }
  | { readonly kind: 'not_signed'; readonly reason: string }
  | { readonly kind: 'not_installed'; readonly spi: number; readonly reason: string }
  /** What was kept cannot be read: the tunnel begins without keys. */
  | { readonly kind: 'keys_damaged'; readonly reason: string }
  /** What was kept was agreed on with a certificate that is not believed any more: the tunnel begins without keys. */
  | { readonly kind: 'peer_revoked'; readonly reason: string }
  /** Nothing could be kept, or the packet path did not answer: nothing passes until it has begun again. */
  | { readonly kind: 'stopped'; readonly reason: string; readonly milliseconds: number }
  /** It has begun again from what is there, and could keep what it had to. */
  | { readonly kind: 'resumed' };

/**
 * The keys of one tunnel on this machine: tells its state machine (ADR 26) what happens, and does what that says, one thing after the
 * other. What it stores is on the disk before anything is sent that depends on it; when it cannot be stored, nothing of it is, and
 * the tunnel begins again from what is there.
 */
export class BlindTunnel {
  readonly #parts: BlindTunnelParts;
  readonly #inbox = new Inbox();
  readonly #inbound = new Set<number>();
  readonly #outbound = new Set<number>();
  #terms: TunnelTerms;
  #form: BlindForm;
  /** Certificates of the peer that are not believed any more, whatever they say. */
  #revokedSerials: ReadonlySet<string>;
  /** Those by which it has proved who it is, since there were keys at all. */
  #believed: readonly string[] = [];
  #keying: TunnelKeying | undefined;
  #connected = false;
  #closed = false;
  #failures = 0;
  #working: Promise<void> | undefined;
  #cancelTimer: () => void = () => undefined;
  /** Ends a pause after a failure; undefined while there is none. */
  #cancelPause: (() => void) | undefined;

  constructor(terms: TunnelTerms, form: BlindForm, revokedSerials: ReadonlySet<string>, parts: BlindTunnelParts) {
    this.#terms = terms;
    this.#form = form;
    this.#revokedSerials = revokedSerials;
    this.#parts = parts;
  }

  /** Takes up what was kept. */
  start(): void {
    this.tell({ kind: 'time' });
  }

  get terms(): TunnelTerms {
    return this.#terms;
  }

  /** Where its keys stand, without any secret; undefined while there are none, and before they were read. */
  get position(): TunnelKeying['position'] | undefined {
    return this.#keying?.position;
  }

  /** Whether its keys were agreed on with one of these certificates. */
  believesAny(serialNumbers: ReadonlySet<string>): boolean {
    return this.#believed.some((serial) => serialNumbers.has(serial));
  }

  hasInbound(spi: number): boolean {
    return this.#inbound.has(spi);
  }

  /** Whether a session with a controller that relays is there. */
  set connected(connected: boolean) {
    this.#connected = connected;
    if (connected) this.tell({ kind: 'connected' });
  }

  /** Something has happened; of a tunnel that pauses, it is asked for again or comes again. */
  tell(input: KeyingInput): void {
    if (this.#closed || this.#cancelPause !== undefined) return;
    this.#inbox.put(input);
    this.#working ??= this.#work();
  }

  /** Another bundle is in force; none of its keys is of a certificate that is revoked by it. */
  async reconfigure(terms: TunnelTerms, form: BlindForm, revokedSerials: ReadonlySet<string>): Promise<void> {
    this.#revokedSerials = revokedSerials;
    const moves = JSON.stringify(plain(form.travel)) !== JSON.stringify(plain(this.#form.travel));
    this.#terms = terms;
    this.#form = form;
    this.tell({ kind: 'terms', terms });
    if (!moves) return;
    await this.settled();
    const { tunnelId } = terms;
    for (const spi of this.#outbound) await this.#parts.plane.move({ tunnelId, spi }, form.travel.outbound);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  /** The tunnel is gone, or its peer is not believed any more: so are all keys, here and on the disk. */
  async end(): Promise<void> {
    this.tell({ kind: 'end' });
    await this.settled();
    await this.stop();
    await this.#removeAll();
  }

  /** Lets go of all keys in memory; what is on the disk, and in the packet path, stays. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#inbox.clear();
    this.#cancelPause?.();
    await this.settled();
    this.#abandon();
  }

  async #work(): Promise<void> {
    // Not before whoever told it has gone on: what it tells next may take its place.
    await Promise.resolve();
    for (let input = this.#inbox.take(); input !== undefined; input = this.#inbox.take()) {
      const next = input;
      await this.#parts.inTurn(() => this.#step(next));
    }
    this.#working = undefined;
  }

  async #step(input: KeyingInput): Promise<void> {
    if (this.#closed) return;
    try {
      const keying = this.#keying ?? (await this.#begin());
      await this.#carryOut(keying, keying.handle(input, this.#parts.wallClock()));
      if (this.#failures > 0) this.#tellNews({ kind: 'resumed' });
      this.#failures = 0;
      this.#arm(keying);
    } catch (error) {
      await this.#pause(error);
    }
  }

  async #begin(): Promise<TunnelKeying> {
    const { crypto, wallClock } = this.#parts;
    // After a failure: what is there was made by one that is gone.
    await this.#removeAll();
    const keying = new TunnelKeying(this.#terms, crypto, await this.#load(), wallClock());
    this.#keying = keying;
    await this.#carryOut(keying, keying.begin());
    if (this.#connected) await this.#carryOut(keying, keying.handle({ kind: 'connected' }, wallClock()));
    return keying;
  }

  async #load(): Promise<StoredState | undefined> {
    const { tunnelId } = this.#terms;
    try {
      const kept = await this.#parts.store.load(tunnelId);
      this.#believed = kept?.believed ?? [];
      if (kept === undefined || !this.believesAny(this.#revokedSerials)) return kept?.state;
      const reason = `a certificate of the peer is revoked that it had shown: ${this.#believed.join(', ')}`;
      this.#tellNews({ kind: 'peer_revoked', reason });
      this.#believed = [];
      for (const root of kept.state.roots) root.wipe();
      return { ...kept.state, roots: [], inForce: 0, published: new Uint8Array(0) };
    } catch (error) {
      if (!(error instanceof TunnelKeyError)) throw error;
      this.#tellNews({ kind: 'keys_damaged', reason: messageOf(error) });
      return undefined;
    }
  }

  async #carryOut(keying: TunnelKeying, outputs: readonly KeyingOutput[]): Promise<void> {
    try {
      for (let at = 0; at < outputs.length; ) {
        const alike = runOf(outputs, at);
        await this.#perform(keying, alike);
        at += alike.length;
      }
    } finally {
      for (const output of outputs) wipe(output);
    }
  }

  /** Of several outputs all are of one kind: those that may be done together. */
  async #perform(keying: TunnelKeying, outputs: readonly KeyingOutput[]): Promise<void> {
    const [output] = outputs;
    const { tunnelId } = this.#terms;
    const { plane, store, publish } = this.#parts;
    switch (output?.kind) {
      case 'store':
        return store.keep(tunnelId, output.state, this.#believed);
      case 'install':
        return this.#install(outputs.filter((one) => one.kind === 'install'));
      case 'remove':
        return this.#remove(outputs.filter((one) => one.kind === 'remove'));
      case 'announce':
        return plane.announce({ tunnelId, spi: output.spi });
      case 'publish':
        return publish(tunnelId, output.message);
      case 'sign':
        return this.#sign(keying, output);
      case 'verify':
        return this.#verify(keying, output);
      case 'in_force':
      case 'refused':
      case 'alarm':
        return this.#tellNews(output);
    }
  }

  async #install(associations: readonly InstalledAssociation[]): Promise<void> {
    const outcomes = await Promise.allSettled(associations.map((association) => this.#installOne(association)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #installOne({ keyingMaterial, ...association }: InstalledAssociation): Promise<void> {
    const { direction, spi } = association;
    const octets = keyingMaterial.reveal((key) => Uint8Array.from(key));
    keyingMaterial.wipe();
    try {
      await this.#parts.plane.install([blindAssociation(this.#terms.tunnelId, association, octets, this.#form)]);
      (direction === 'inbound' ? this.#inbound : this.#outbound).add(spi);
    } catch (error) {
      octets.fill(0);
      if (!(error instanceof DataPlaneRefusal)) throw error;
      const taken = error.refusal.code === 'SPI_IN_USE';
      // Both ends pass the number: the receiver asks for it, and of its own the sender takes the next.
      if (taken) this.#inbox.put({ kind: direction === 'inbound' ? 'spi_in_use' : 'spent', spi });
      else this.#tellNews({ kind: 'not_installed', spi, reason: messageOf(error) });
    }
  }

  async #remove(removals: readonly Extract<KeyingOutput, { kind: 'remove' }>[]): Promise<void> {
    const { tunnelId } = this.#terms;
    const spis = (wanted: 'inbound' | 'outbound') =>
      removals.flatMap(({ direction, spi }) => (direction === wanted ? [spi] : []));
    const [inbound, outbound] = [spis('inbound'), spis('outbound')];
    await this.#parts.plane.remove(
      inbound,
      outbound.map((spi) => ({ tunnelId, spi })),
    );
    for (const spi of inbound) this.#inbound.delete(spi);
    for (const spi of outbound) this.#outbound.delete(spi);
  }

  async #removeAll(): Promise<void> {
    if (this.#inbound.size + this.#outbound.size === 0) return;
    const all = (spis: ReadonlySet<number>, direction: 'inbound' | 'outbound') =>
      [...spis].map((spi) => ({ kind: 'remove', direction, spi }) as const);
    await this.#remove([...all(this.#inbound, 'inbound'), ...all(this.#outbound, 'outbound')]);
  }

  #sign(keying: TunnelKeying, { job, octets }: Extract<KeyingOutput, { kind: 'sign' }>): void {
    void this.#parts.proof.sign(octets).then(
      (signed) => this.#answer(keying, { kind: 'signed', job, ...signed }),
      (error: unknown) => {
        this.#tellNews({ kind: 'not_signed', reason: messageOf(error) });
        this.#answer(keying, { kind: 'not_signed', job });
      },
    );
  }

  #verify(keying: TunnelKeying, output: Extract<KeyingOutput, { kind: 'verify' }>): void {
    const { job } = output;
    void this.#parts.proof
      .verify(output, () => this.#revokedSerials)
      .then(
        (verdict) => {
          if (verdict.ok && this.#keying === keying) this.#believe(verdict.serialNumber);
          this.#answer(keying, { kind: 'verified', job, ...(verdict.ok ? {} : { refusal: verdict.refusal }) });
        },
        (error: unknown) => this.#answer(keying, { kind: 'verified', job, refusal: messageOf(error) }),
      );
  }

  /** Kept with the keys that come of it. */
  #believe(serialNumber: string): void {
    this.#believed = [...this.#believed.filter((known) => known !== serialNumber), serialNumber].slice(-MAX_BELIEVED);
  }

  /** To the state machine that asked, and to no other that has counted its jobs from one. */
  #answer(keying: TunnelKeying, input: KeyingInput): void {
    if (this.#keying === keying) this.tell(input);
  }

  #arm(keying: TunnelKeying): void {
    this.#cancelTimer();
    const { deadline } = keying;
    if (deadline === undefined || this.#closed) return;
    // Of a clock that is set it hears soon enough.
    const pause = Math.min(Math.max(0, deadline - this.#parts.wallClock()), LONGEST_SLEEP);
    this.#cancelTimer = this.#parts.after(pause, () => this.tell({ kind: 'time' }));
  }

  async #pause(error: unknown): Promise<void> {
    this.#abandon();
    this.#inbox.clear();
    const milliseconds = Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures++;
    this.#tellNews({ kind: 'stopped', reason: messageOf(error), milliseconds });
    try {
      await this.#removeAll();
    } catch (again) {
      // It is removed before anything else is installed.
      this.#tellNews({ kind: 'stopped', reason: messageOf(again), milliseconds });
    }
    if (this.#closed) return;
    this.#cancelPause = this.#parts.after(milliseconds, () => {
      this.#cancelPause = undefined;
      this.tell({ kind: 'terms', terms: this.#terms });
    });
  }

  /** Wipes what the state machine has; nothing that it says then is done. */
  #abandon(): void {
    this.#cancelTimer();
    const keying = this.#keying;
    this.#keying = undefined;
    for (const output of keying?.handle({ kind: 'end' }, this.#parts.wallClock()) ?? []) wipe(output);
  }

  #tellNews(news: BlindNews): void {
    this.#parts.onNews(this.#terms.tunnelId, news);
  }
}

/** The outputs from a place on that may be done together: neither order nor the end of one matters to the others. */
function runOf(outputs: readonly KeyingOutput[], from: number): readonly KeyingOutput[] {
  const first = outputs[from];
  if (first === undefined) return [];
  const wanted = togetherAs(first);
  let end = from + 1;
  while (wanted !== undefined && outputs[end] !== undefined && togetherAs(outputs[end]) === wanted) end++;
  return outputs.slice(from, end);
}

function togetherAs(output: KeyingOutput | undefined): string | undefined {
  if (output?.kind === 'install') return `install ${output.direction}`;
  return output?.kind === 'remove' ? 'remove' : undefined;
}

function wipe(output: KeyingOutput): void {
  if (output.kind === 'store') output.state.wipe();
  if (output.kind === 'install') output.keyingMaterial.wipe();
}

/** Addresses as what JSON tells apart. */
function plain(travel: BlindForm['travel']): unknown {
  return JSON.parse(JSON.stringify(travel, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value)));
}

const LONGEST_SLEEP = 60_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

import { Answering } from './answering.js';
import { ElapsedClock } from './elapsed-clock.js';
import { type Half, type HalfHost, type KeyingCrypto, publishAgain, type SignedBy } from './half.js';
import { type KeyShareMessage, parseKeyShare } from './key-share-message.js';
import { Offering } from './offering.js';
import type { KeyingInput, KeyingOutput } from './outputs.js';
import type { Refusal } from './refusal.js';
import { Roots } from './roots.js';
import { encodeState, type StoredState } from './stored-state.js';
import { checkTerms, roleOf, type TunnelTerms } from './terms.js';

/**
 * The keys of one tunnel whose controller relays signed key shares and knows none of them. It does no IO: `begin` and `handle` say
 * what has to be done, in order (KeyingOutput), and `deadline` when `time` has to be said next.
 */
export class TunnelKeying {
  readonly #crypto: KeyingCrypto;
  readonly #stored: StoredState | undefined;
  readonly #clock: ElapsedClock;
  readonly #roots: Roots;
  readonly #half: Half;
  readonly #host: HalfHost;
  #terms: TunnelTerms;
  #outputs: KeyingOutput[] = [];
  #jobs = 0;
  #signing: { readonly job: number; readonly done: (signed: SignedBy | undefined) => void } | undefined;
  #verifying: { readonly job: number; readonly message: KeyShareMessage } | undefined;
  /** The last that came while another one was verified, or that the next bundle may make sense of. */
  #later: Uint8Array | undefined;
  #ended = false;

  /** Owns what was stored. `now` is a reading of the wall clock, milliseconds. Throws RangeError for impossible terms. */
  constructor(terms: TunnelTerms, crypto: KeyingCrypto, stored: StoredState | undefined, now: number) {
    checkTerms(terms);
    this.#terms = terms;
    this.#crypto = crypto;
    this.#stored = stored;
    this.#clock = new ElapsedClock(stored?.elapsed ?? 0, stored?.lastNow ?? now);
    this.#clock.advance(now);
    this.#roots = new Roots({ emit: (output) => this.#emit(output), store: () => this.#store() });
    this.#host = this.#hostOfHalf(stored);
    this.#half = roleOf(terms) === 'offering' ? new Offering(this.#host) : new Answering(this.#host);
  }

  /** Once, first of all: takes up what was stored. */
  begin(): readonly KeyingOutput[] {
    const { hardLifetime } = this.#terms;
    const { elapsed } = this.#clock;
    const { roots = [], inForce = 0 } = this.#stored ?? {};
    const living = roots.filter(({ name }) => elapsed - name.bornAt < hardLifetime);
    for (const root of roots) if (!living.includes(root)) root.wipe();
    const ended = inForce !== 0 && living.every(({ number }) => number !== inForce);
    this.#roots.restore(living, ended ? 0 : inForce, elapsed);
    if (ended && living.length === 0) {
      this.#store();
      this.#emit({ kind: 'alarm', alarm: { code: 'hard_lifetime', root: inForce } });
    }
    return this.#drain();
  }

  handle(input: KeyingInput, now: number): readonly KeyingOutput[] {
    if (this.#ended) return [];
    this.#clock.advance(now);
    this.#take(input);
    return this.#drain();
  }

  /** By the wall clock; undefined when nothing is waited for. */
  get deadline(): number | undefined {
    if (this.#ended) return undefined;
    const { hardLifetime } = this.#terms;
    const next = Math.min(this.#roots.deadline(hardLifetime), this.#half.deadline, this.#alarmAt());
    return Number.isFinite(next) ? this.#clock.wallTimeOf(next) : undefined;
  }

  /** What is there, without any secret. */
  get position(): {
    readonly inForce: number;
    readonly roots: readonly { readonly root: number; readonly sending: number | undefined }[];
  } {
    const roots = this.#roots.all.map(({ number, sending }) => ({ root: number, sending: sending?.number }));
    return { inForce: this.#roots.inForceNumber, roots };
  }

  #take(input: KeyingInput): void {
    switch (input.kind) {
      case 'connected':
        publishAgain(this.#host);
        break;
      case 'message':
        this.#message(input.octets);
        break;
      case 'signed':
      case 'not_signed':
        this.#signed(input.job, input.kind === 'signed' ? input : undefined);
        break;
      case 'verified':
        this.#verified(input.job, input.refusal);
        break;
      case 'used':
        this.#roots.used(input.spi, this.#clock.elapsed);
        break;
      case 'unknown_spi':
        this.#roots.unknownSpi(input.spi);
        break;
      case 'spent':
        this.#roots.spent(input.spi);
        break;
      case 'spi_in_use':
        this.#roots.spiInUse(input.spi);
        break;
      case 'terms':
        this.#newTerms(input.terms);
        break;
      case 'end':
        this.#end();
        break;
      case 'time':
        break;
    }
  }

  #message(octets: Uint8Array): void {
    if (this.#verifying !== undefined) {
      this.#later = octets;
      return;
    }
    const parsed = parseKeyShare(octets);
    if (!parsed.ok) {
      this.#refuse(
        'version' in parsed
          ? { code: 'other_version', version: parsed.version }
          : { code: 'malformed', problem: parsed.problem },
      );
      return;
    }
    const message = parsed.value;
    const refusal = this.#misdirected(message);
    if (refusal !== undefined) {
      if (refusal.code === 'other_suite') this.#later = octets;
      this.#refuse(refusal);
      return;
    }
    const checked = this.#half.check(message);
    if (checked !== 'verify') {
      if (checked !== 'taken') this.#refuse(checked);
      return;
    }
    const { signed, signature, certificates } = message;
    this.#verifying = { job: ++this.#jobs, message };
    const { remote: peer } = this.#terms;
    this.#emit({ kind: 'verify', job: this.#jobs, peer, octets: signed, signature, certificates });
  }

  /** Why it is not meant for this end of this tunnel. */
  #misdirected({ content }: KeyShareMessage): Refusal | undefined {
    const { fabric, tunnelId, local, remote, suite } = this.#terms;
    if (content.fabric !== fabric) return { code: 'other_fabric', fabric: content.fabric };
    if (content.tunnelId !== tunnelId) return { code: 'other_tunnel', tunnelId: content.tunnelId };
    if (content.kind !== this.#half.expects) return { code: 'wrong_role', kind: content.kind };
    if (content.from !== remote || content.to !== local) {
      return { code: 'other_edges', from: content.from, to: content.to };
    }
    const known = this.#roots.newest?.name.epoch ?? 0n;
    if (content.epoch < known) return { code: 'superseded_epoch', epoch: content.epoch, known };
    return content.suite === suite.name ? undefined : { code: 'other_suite', suite: content.suite };
  }

  #verified(job: number, reason: string | undefined): void {
    const verifying = this.#verifying;
    if (verifying?.job !== job) return;
    this.#verifying = undefined;
    if (reason !== undefined) this.#refuse({ code: 'not_authentic', reason });
    else this.#authentic(verifying.message);
    this.#takeLater();
  }

  /** What it was checked against may have changed while it was verified. */
  #authentic(message: KeyShareMessage): void {
    const checked = this.#misdirected(message) ?? this.#half.check(message);
    const refusal = checked === 'verify' ? this.#half.take(message) : checked;
    if (refusal !== undefined && refusal !== 'taken') this.#refuse(refusal);
  }

  #takeLater(): void {
    const later = this.#later;
    this.#later = undefined;
    if (later !== undefined) this.#message(later);
  }

  #signed(job: number, signed: SignedBy | undefined): void {
    const signing = this.#signing;
    if (signing?.job !== job) return;
    this.#signing = undefined;
    signing.done(signed);
  }

  #newTerms(terms: TunnelTerms): void {
    checkTerms(terms);
    for (const fixed of ['fabric', 'tunnelId', 'local', 'remote'] as const) {
      if (terms[fixed] !== this.#terms[fixed])
        throw new RangeError(`Another ${fixed} is another tunnel: begin a new one.`);
    }
    this.#terms = terms;
    this.#takeLater();
  }

  #end(): void {
    this.#half.end();
    this.#roots.end();
    this.#host.published = new Uint8Array(0);
    this.#store();
    this.#ended = true;
  }

  #refuse(refusal: Refusal): void {
    this.#emit({ kind: 'refused', refusal });
  }

  #drain(): readonly KeyingOutput[] {
    if (!this.#ended) {
      this.#roots.elapse(this.#clock.elapsed, this.#terms.hardLifetime);
      this.#half.elapse();
      this.#alarm();
    }
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #alarm(): void {
    const root = this.#roots.inForce;
    if (root === undefined || this.#alarmAt() > this.#clock.elapsed) return;
    root.toldNotRenewed = true;
    const endsIn = root.name.bornAt + this.#terms.hardLifetime - this.#clock.elapsed;
    this.#emit({ kind: 'alarm', alarm: { code: 'not_renewed', root: root.number, endsIn } });
  }

  /** Half way from the soft to the hard lifetime. */
  #alarmAt(): number {
    const root = this.#roots.inForce;
    const { softLifetime, hardLifetime } = this.#terms;
    if (root === undefined || root.toldNotRenewed) return Number.POSITIVE_INFINITY;
    return root.name.bornAt + (softLifetime + hardLifetime) / 2;
  }

  #emit(output: KeyingOutput): void {
    this.#outputs.push(output);
  }

  #store(): void {
    const { highest, published } = this.#host;
    const { elapsed, last: lastNow } = this.#clock;
    const { all: roots, inForceNumber: inForce } = this.#roots;
    this.#emit({ kind: 'store', state: encodeState({ elapsed, lastNow, highest, inForce, published, roots }) });
  }

  #hostOfHalf(stored: StoredState | undefined): HalfHost {
    const keying = this;
    return {
      get terms() {
        return keying.#terms;
      },
      get clock() {
        return keying.#clock.elapsed;
      },
      crypto: this.#crypto,
      roots: this.#roots,
      highest: stored?.highest ?? 0,
      published: stored?.published ?? new Uint8Array(0),
      emit: (output) => this.#emit(output),
      store: () => this.#store(),
      sign: (octets, done) => {
        this.#signing = { job: ++this.#jobs, done };
        this.#emit({ kind: 'sign', job: this.#jobs, octets });
      },
    };
  }
}

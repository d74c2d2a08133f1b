import type { Chain, DerivedAssociation } from './chain.js';

/**
 * What an edge receives on: the association that the peer sends on, the next ones in advance, and for a while those before.
 *
 * An association that was installed is never installed again, also not after a restart: what it has received is then forgotten,
 * and a replay of it would pass (RFC 4303 section 3.4.3). So the number that is stored is the first that was never installed.
 */
export class InboundWindow {
  readonly #keyingMaterialLength: number;
  /** At the first number behind the window. */
  readonly #chain: Chain;
  /** At the first number that was never installed: behind the window, and behind what was installed ahead of it. */
  readonly #neverInstalled: Chain;
  readonly #installed = new Map<number, number>();
  #retiring: { readonly below: number; readonly at: number }[] = [];
  #highestUsed = -1;
  #ahead: ReadonlyMap<number, number> | undefined;
  #installedAhead = 0;

  /** Owns the chain, which stands at the first number that was never installed. */
  constructor(chain: Chain, keyingMaterialLength: number) {
    this.#chain = chain;
    this.#neverInstalled = chain.copy();
    this.#keyingMaterialLength = keyingMaterialLength;
  }

  /** To be stored before anything is installed. */
  get neverInstalled(): Pick<Chain, 'position' | 'reveal'> {
    return this.#neverInstalled;
  }

  get exhausted(): boolean {
    return this.#chain.exhausted;
  }

  get spis(): Iterable<number> {
    return this.#installed.keys();
  }

  /** The first associations. */
  open(): readonly DerivedAssociation[] {
    return this.#fill(this.#chain.position + ASSOCIATIONS_AHEAD);
  }

  numberOf(spi: number): number | undefined {
    return this.#installed.get(spi);
  }

  /** A packet was accepted: those before this one go soon, and `ASSOCIATIONS_AHEAD` are to stand behind it. @returns the new ones. */
  used(number: number, clock: number): readonly DerivedAssociation[] {
    if (number <= this.#highestUsed) return [];
    this.#highestUsed = number;
    if (this.#retiring.length === MAX_RETIRING) this.#retiring.shift();
    this.#retiring.push({ below: number, at: clock + RETIRE_AFTER });
    this.#chain.advanceTo(number + 1);
    return this.#fill(number + ASSOCIATIONS_AHEAD);
  }

  /**
   * The association of an SPI that lies further ahead: the peer has restarted more often than the window is wide, or changed while this
   * edge heard nothing. Nothing moves before a packet is authentic, so that guessed SPIs use up nothing but a place.
   */
  lookAhead(spi: number): DerivedAssociation | undefined {
    if (this.#installedAhead === MAX_INSTALLED_AHEAD) return undefined;
    this.#ahead ??= this.#chain.spisAhead(LOOK_AHEAD);
    const number = this.#ahead.get(spi);
    if (number === undefined || this.#installed.has(spi)) return undefined;
    const chain = this.#chain.copy();
    chain.advanceTo(number);
    const found = chain.take(this.#keyingMaterialLength);
    chain.wipe();
    if (found === undefined) return undefined;
    this.#installed.set(spi, number);
    this.#installedAhead++;
    this.#neverInstalled.advanceTo(number + 1);
    return found;
  }

  /** It could not be installed. */
  forget(spi: number): void {
    this.#installed.delete(spi);
  }

  /** Those whose time has come. */
  retired(clock: number): readonly number[] {
    const due = this.#retiring.filter(({ at }) => at <= clock);
    if (due.length === 0) return [];
    this.#retiring = this.#retiring.filter(({ at }) => at > clock);
    const below = Math.max(...due.map((entry) => entry.below));
    const spis = [...this.#installed].filter(([, number]) => number < below).map(([spi]) => spi);
    for (const spi of spis) this.#installed.delete(spi);
    return spis;
  }

  get deadline(): number | undefined {
    return this.#retiring[0]?.at;
  }

  wipe(): void {
    this.#chain.wipe();
    this.#neverInstalled.wipe();
  }

  /** Installs up to a number. What was installed ahead, or passed by it before a restart, is passed. */
  #fill(end: number): readonly DerivedAssociation[] {
    const fresh: DerivedAssociation[] = [];
    while (this.#chain.position <= end) {
      const next = this.#chain.take(this.#keyingMaterialLength);
      if (next === undefined) break;
      if (this.#installed.has(next.spi)) next.keyingMaterial.wipe();
      else {
        this.#installed.set(next.spi, next.number);
        fresh.push(next);
      }
    }
    this.#neverInstalled.advanceTo(this.#chain.position);
    this.#ahead = undefined;
    this.#installedAhead = 0;
    return fresh;
  }
}

/** W: how many associations after the one in use stand ready. Each restart of the peer takes one. */
export const ASSOCIATIONS_AHEAD = 3;
/** How long packets of the association before may still be on their way, milliseconds. */
export const RETIRE_AFTER = 30_000;
/** How far ahead an unknown SPI is looked for. */
export const LOOK_AHEAD = 256;
/**
 * Each is a start of the peer that ended before its second announcement. Once as many are there and none was used, later ones are not
 * found, until there is another root.
 */
const MAX_INSTALLED_AHEAD = 16;
const MAX_RETIRING = 16;

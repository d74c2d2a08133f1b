import { toHex } from '../bytes/hex.js';
import type { IkeSa } from './ike-sa.js';
import type { Lineage } from './lineage.js';

/** Every IKE SA of an engine that is not closed, by what one looks for. */
export class Registry {
  readonly #bySpi = new Map<string, IkeSa>();
  readonly #byConnection = new Map<string, Set<Lineage>>();
  readonly #listedUnder = new Map<Lineage, string>();

  get all(): readonly IkeSa[] {
    return [...this.#bySpi.values()];
  }

  add(sa: IkeSa): void {
    this.#bySpi.set(toHex(sa.localSpi), sa);
  }

  /** With the current IKE SA its lineage leaves the list of its connection. */
  remove(sa: IkeSa): void {
    this.#bySpi.delete(toHex(sa.localSpi));
    if (sa === sa.lineage.current) this.#unlist(sa.lineage);
  }

  /** Under the name that its connection has by now: a responder learns it in IKE_AUTH. */
  list(lineage: Lineage): void {
    this.#unlist(lineage);
    const { name } = lineage.connection;
    const lineages = this.#byConnection.get(name) ?? new Set();
    this.#byConnection.set(name, lineages.add(lineage));
    this.#listedUnder.set(lineage, name);
  }

  bySpi(spi: Uint8Array): IkeSa | undefined {
    return this.#bySpi.get(toHex(spi));
  }

  /** Those that stand, are under way or still linger; oldest first. */
  of(connection: string): readonly Lineage[] {
    return [...(this.#byConnection.get(connection) ?? [])];
  }

  #unlist(lineage: Lineage): void {
    const name = this.#listedUnder.get(lineage);
    if (name === undefined) return;
    this.#listedUnder.delete(lineage);
    const lineages = this.#byConnection.get(name);
    lineages?.delete(lineage);
    if (lineages?.size === 0) this.#byConnection.delete(name);
  }
}

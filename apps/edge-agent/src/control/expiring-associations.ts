import type { InstalledAssociation } from '@weft/contracts/southbound';
import type { LifetimeEvent } from '@weft/ipsec-core';

/**
 * Associations past their soft lifetime that the controller may not have heard of. The engine tells each once, but
 * a session may be down just then: what is here is told again on every new session, until the association is gone.
 */
export class ExpiringAssociations {
  readonly #known = new Map<string, InstalledAssociation>();

  /** Takes an event of the engine. @returns the association to report, if there is one. */
  note(event: LifetimeEvent): InstalledAssociation | undefined {
    const association = { tunnelId: event.tunnelId, spi: event.spi, inbound: event.direction === 'inbound' };
    if (event.kind === 'hard') {
      this.#known.delete(keyOf(association));
      return undefined;
    }
    this.#known.set(keyOf(association), association);
    return association;
  }

  /** Those that still exist; forgets the others. */
  remaining(installed: readonly InstalledAssociation[]): InstalledAssociation[] {
    const existing = new Set(installed.map(keyOf));
    for (const key of this.#known.keys()) if (!existing.has(key)) this.#known.delete(key);
    return [...this.#known.values()];
  }
}

function keyOf({ tunnelId, spi, inbound }: InstalledAssociation): string {
  return `${tunnelId} ${spi} ${inbound}`;
}

import { isCarriedBy, type TunnelChoice } from '../policy/carrier.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import { isNamed } from '../policy/security-policy.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';

/** Which tunnel the packets of an entry go into, where several may carry them. */
export class TunnelChoices {
  readonly #associations: SecurityAssociationDatabase;
  /** Tunnels that packets go into in the place of those that their entries name. */
  #choices: ReadonlyMap<string, string> = new Map();

  constructor(associations: SecurityAssociationDatabase) {
    this.#associations = associations;
  }

  choose(choices: ReadonlyMap<string, string>): void {
    this.#choices = new Map(choices);
  }

  /**
   * Of each entry, in their order, and then of each carrier (`SecurityPolicyDatabase.placeOf`); undefined: the entry protects nothing,
   * names no tunnel, or a name decides.
   */
  tunnelsOf({ entries, carriers }: SecurityPolicyDatabase): readonly (Tunnel | undefined)[] {
    const ofEntries = entries.map((entry) =>
      entry.action !== 'PROTECT' || isNamed(entry) || entry.tunnelId === undefined ? undefined : this.#tunnelOf(entry),
    );
    return [...ofEntries, ...carriers.map((carrier) => this.#tunnelOf(carrier))];
  }

  #tunnelOf(choice: TunnelChoice): Tunnel {
    const chosen = this.#choices.get(choice.tunnelId);
    const isAlternative = chosen !== undefined && isCarriedBy(choice, chosen);
    return this.#associations.tunnel(isAlternative ? chosen : choice.tunnelId);
  }
}

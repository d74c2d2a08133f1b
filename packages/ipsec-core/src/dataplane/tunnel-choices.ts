import type { SecurityAssociationDatabase } from '../policy/sad.js';
import { isCarriedBy, isNamed } from '../policy/security-policy.js';
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

  /** Of each entry, in their order; undefined: it protects nothing, or a name decides. */
  tunnelsOf({ entries }: SecurityPolicyDatabase): readonly (Tunnel | undefined)[] {
    return entries.map((entry) => {
      if (entry.action !== 'PROTECT' || isNamed(entry)) return undefined;
      const chosen = this.#choices.get(entry.tunnelId);
      const isAlternative = chosen !== undefined && isCarriedBy(entry, chosen);
      return this.#associations.tunnel(isAlternative ? chosen : entry.tunnelId);
    });
  }
}

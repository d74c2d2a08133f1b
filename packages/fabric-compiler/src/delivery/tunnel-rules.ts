import type { Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { addBits, type Bitset, bitsMeet, commonBits, emptyBits, noBits, onlyMember, setBit } from '../bitset.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { entriesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';

/** Which rules of an edge send packets to which of its peers: those with an entry of whose remote addresses the peer carries some. */
export class TunnelRules {
  readonly #legs: readonly Leg[];
  /** The own one, which no peer carries. */
  readonly #site: Bitset;

  constructor({ owner, policies, transit }: SharedBundle, ownership: Ownership) {
    const site = emptyBits(ownership.length);
    setBit(site, owner);
    this.#site = site;
    // The addresses of the site in own entries, parts of it included, are all of one owner.
    const own = entriesOf(policies).flatMap((entry) => legsOf(entry, site, ownership));
    const passing = entriesOf(transit).flatMap((entry) => legsOf(entry, site, ownership));
    this.#legs = [...own.map((leg) => ({ ...leg, near: site })), ...passing];
  }

  /** Identifiers of the rules, in their order; each once. */
  of(peer: PeerEntry): readonly string[] {
    return [...new Set(this.#legs.filter((leg) => sendsTo(leg, peer)).map(({ ruleId }) => ruleId))];
  }

  /** Who says what: for a peer, what the rules that send packets to it say, each answer once. */
  answers<Answer>(say: (ruleId: string) => Answer): (peer: PeerEntry) => readonly Answer[] {
    const reaches = new Map<Answer, Reach>();
    for (const leg of this.#legs) {
      const answer = say(leg.ruleId);
      const size = 32 * leg.far.length;
      const reach = reaches.get(answer) ?? { bits: { 4: emptyBits(size), 6: emptyBits(size) }, pairs: [] };
      reaches.set(answer, reach);
      // Where a relay has one owner alone at this end, whether somebody else is at the other has to be looked at for each peer.
      if (leg.near !== this.#site && onlyMember(leg.near) !== undefined) reach.pairs.push(leg);
      else addBits(reach.bits[leg.family], leg.far);
    }
    return (peer) =>
      [...reaches].flatMap(([answer, { bits, pairs }]) => {
        const met = FAMILIES.some((family) => bitsMeet(bits[family], peer.carries.present[family]));
        return met || pairs.some((leg) => sendsTo(leg, peer)) ? [answer] : [];
      });
  }
}

/** What an entry says of one family: whose packets it is about, by number of the owner. */
interface Leg {
  readonly ruleId: string;
  readonly family: Family;
  readonly near: Bitset;
  readonly far: Bitset;
}

interface Reach {
  readonly bits: Readonly<Record<Family, Bitset>>;
  readonly pairs: Leg[];
}

function legsOf(entry: SpdEntry, site: Bitset, ownership: Ownership): readonly Leg[] {
  if (entry.action !== 'PROTECT') return [];
  const own = onlyMember(site) ?? 0;
  return FAMILIES.flatMap((family) => {
    const hasFamily = (ownership[own]?.[family].length ?? 0) > 0;
    const near = entry.local !== 'site' ? entry.local.present[family] : hasFamily ? site : emptyBits(ownership.length);
    const far = entry.remote.present[family];
    if (entry.services[family].length === 0 || noBits(near) || noBits(far)) return [];
    return [{ ruleId: entry.ruleId, family, near, far }];
  });
}

/** Nobody sends to himself through the fabric. */
function sendsTo({ family, near, far }: Leg, { carries }: PeerEntry): boolean {
  const reached = commonBits(far, carries.present[family]);
  if (noBits(reached)) return false;
  const itself = onlyMember(reached);
  return itself === undefined || itself !== onlyMember(near);
}

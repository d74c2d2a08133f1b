import type { Flow } from '../wire/ip/flow.js';
import type { OutboundAssociation } from './security-association.js';
import { ANY_SELECTOR } from './selector.js';
import { CompiledSelector, hashFlow } from './selector-sets.js';

/**
 * The outbound associations of one tunnel that carry only a part of its traffic: what a packet asked for (PFP), what
 * the peer narrowed, what is set aside for some DSCP values. They are found by the fields of which they hold one value,
 * so that thousands of host-to-host associations cost no more than one: the SPD-S cache of RFC 4301 section 5.1, except
 * that it holds every association and never has to be filled.
 */
export class NarrowedAssociations {
  readonly #associations: OutboundAssociation[] = [];
  /** One group for each combination of single-valued fields that occurs. */
  #groups: readonly Group[] = [];

  /** In the order of installation. */
  get all(): readonly OutboundAssociation[] {
    return this.#associations;
  }

  add(association: OutboundAssociation): void {
    this.#associations.push(association);
    for (const selector of association.traffic.selectors?.compiled ?? [ANY_TRAFFIC]) {
      const group = this.#groups.find(({ fields }) => fields === selector.single) ?? this.#newGroup(selector.single);
      const bucket = group.buckets.get(selector.hash) ?? [];
      bucket.unshift({ selector, association });
      group.buckets.set(selector.hash, bucket);
    }
  }

  /** The association that was taken out, or undefined. */
  remove(spi: number): OutboundAssociation | undefined {
    const at = this.#associations.findIndex((association) => association.spi === spi);
    const [removed] = at === -1 ? [] : this.#associations.splice(at, 1);
    if (removed === undefined) return undefined;
    for (const { buckets } of this.#groups) {
      for (const { hash } of removed.traffic.selectors?.compiled ?? [ANY_TRAFFIC]) {
        const kept = buckets.get(hash)?.filter(({ association }) => association !== removed);
        if (kept === undefined) continue;
        if (kept.length === 0) buckets.delete(hash);
        else buckets.set(hash, kept);
      }
    }
    this.#groups = this.#groups.filter(({ buckets }) => buckets.size > 0);
    return removed;
  }

  /**
   * The one for an outbound packet. It must hold one value in each of the fields `populated`. One that is set aside for
   * the packet's DSCP goes before one that is not, and the younger before the older.
   */
  find(flow: Flow, dscp: number, populated: number): OutboundAssociation | undefined {
    const groups = this.#groups;
    let best: OutboundAssociation | undefined;
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      if (group === undefined || (group.fields & populated) !== populated) continue;
      const bucket = group.buckets.get(hashFlow(flow, group.fields));
      if (bucket === undefined) continue;
      for (let k = 0; k < bucket.length; k++) {
        const candidate = bucket[k];
        if (candidate === undefined || !candidate.association.traffic.carriesDscp(dscp)) continue;
        if (best !== undefined && !candidate.association.goesBefore(best)) continue;
        if (candidate.selector.match(flow, false) === 'match') best = candidate.association;
      }
    }
    return best;
  }

  #newGroup(fields: number): Group {
    const group = { fields, buckets: new Map<number, Candidate[]>() };
    this.#groups = [...this.#groups, group];
    return group;
  }
}

interface Group {
  readonly fields: number;
  readonly buckets: Map<number, Candidate[]>;
}

interface Candidate {
  readonly selector: CompiledSelector;
  readonly association: OutboundAssociation;
}

const ANY_TRAFFIC = new CompiledSelector(ANY_SELECTOR);

import type { Ownership } from '../address/address-set.js';
import type { Bitset } from '../bitset.js';
import type { RuleBlock } from '../fabric/rule-block.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import { EMPTY_SECTION, type SpdSection } from '../fabric/spd-section.js';
import { sameList } from '../same-value.js';
import { PolicyProof } from './policy-proof.js';

/** One block of rules compared with the sections that every edge has for it. */
export interface BlockProof {
  readonly rules: RuleBlock;
  /** By edge. */
  readonly sections: readonly SpdSection[];
  /** Edges whose section says something else than the block; whether that matters is for all blocks together to say. */
  readonly differing: readonly number[];
  /** By edge and profile: with whom the block protects traffic. */
  readonly needs: readonly ReadonlyMap<string, Bitset>[];
  /** Entries of edges that name local addresses which are not behind the edge. */
  readonly foreign: readonly { readonly edge: number; readonly ruleId: string }[];
}

/** Proves one block, or takes the proof over when neither the rules nor anybody's section changed. */
export function proveBlock(
  rules: RuleBlock,
  position: number,
  bundles: readonly SharedBundle[],
  ownership: Ownership,
  before: BlockProof | undefined,
): BlockProof {
  const sections = bundles.map(({ policies }) => policies[position] ?? EMPTY_SECTION);
  if (before?.rules === rules && sameList(before.sections, sections)) return before;
  const proof = new PolicyProof(rules, ownership, 'part');
  const differing: number[] = [];
  const needs = sections.map((section, edge) => {
    const ofSite = proof.ofSite(edge, section);
    if (ofSite.differences.length > 0) differing.push(edge);
    return ofSite.needs;
  });
  const foreign = sections.flatMap(({ entries }, edge) =>
    entries.flatMap(({ local, ruleId }) => (local === 'site' || local.only === edge ? [] : [{ edge, ruleId }])),
  );
  return { rules, sections, differing, needs, foreign };
}

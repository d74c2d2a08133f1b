import type { ResolvedRule } from '../resolved-rule.js';

/**
 * Rules that stand together in the operator's order. The SPD of an edge is cut at the same places, so that a changed rule
 * changes one section of it.
 */
export type RuleBlock = readonly ResolvedRule[];

/**
 * Cuts the rules. Where a cut falls depends on the rule in front of it, not on how many came before: a rule that is added or
 * removed moves no other cut (but where a run without cuts reaches its limit).
 */
export function ruleBlocks(rules: readonly ResolvedRule[]): readonly RuleBlock[] {
  const blocks: ResolvedRule[][] = [];
  let current: ResolvedRule[] = [];
  for (const rule of rules) {
    current.push(rule);
    if (current.length < LONGEST_BLOCK && !endsRun(rule.ruleId)) continue;
    blocks.push(current);
    current = [];
  }
  if (current.length > 0) blocks.push(current);
  return blocks;
}

/** Whether entries of this rule are the last of a run that is hashed together. */
export function endsRun(ruleId: string): boolean {
  return textHash(ruleId) % AVERAGE_BLOCK === 0;
}

export function sameBlock(left: RuleBlock, right: RuleBlock): boolean {
  return left.length === right.length && left.every((rule, index) => rule === right[index]);
}

/** FNV-1a, 32 bits: spreads identifiers, and is the same on every machine. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

const AVERAGE_BLOCK = 16;
const LONGEST_BLOCK = 64;

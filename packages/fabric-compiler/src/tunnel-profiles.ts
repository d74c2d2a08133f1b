import type { FabricIntent, IntentProfile, Rule } from './intent.js';
import type { CompileProblem } from './problem.js';
import { profilesOf } from './profile.js';
import type { ResolvedRule } from './resolved-rule.js';

/**
 * Rules that want different profiles for one tunnel. A pair of edges has one tunnel, and a tunnel one profile: neither may be had in place
 * of the other (ADR 27).
 */
export class SeveralProfiles {
  readonly #intent: FabricIntent;
  readonly #problems: CompileProblem[];
  readonly #profiles: ReadonlyMap<string, IntentProfile>;
  readonly #reported = new Set<string>();

  constructor(intent: FabricIntent, problems: CompileProblem[]) {
    this.#intent = intent;
    this.#problems = problems;
    this.#profiles = profilesOf(intent);
  }

  /** Once for each rule: where it meets one other it mostly meets it between many sites. `ends`: who has the tunnel, by name. */
  report(rule: ResolvedRule, first: ResolvedRule, [one, other]: readonly [string, string]): void {
    if (this.#reported.has(rule.ruleId)) return;
    this.#reported.add(rule.ruleId);
    this.#problems.push({
      pointer: `${pointerOf(this.#intent, rule.ruleId)}/profileId`,
      rule: 'several_profiles',
      detail: `The edges "${one}" and "${other}" have one tunnel, and the rules "${first.name}" and "${rule.name}" want different profiles for it: "${this.#nameOf(first)}" and "${this.#nameOf(rule)}".`,
      fix: 'Give both rules the same profile, or let them name sites that do not share a tunnel.',
    });
  }

  #nameOf({ profileId }: ResolvedRule): string {
    return this.#profiles.get(profileId)?.name ?? profileId;
  }
}

/**
 * Reports profiles in use that cannot be had. A profile is ESP and how edges negotiate it: where they do not, or where the tenant has AH,
 * it would be half of what it says.
 */
export function reportUnfitProfiles(intent: FabricIntent, problems: CompileProblem[]): void {
  const profiles = new Map((intent.profiles ?? []).map((profile) => [profile.id, profile]));
  for (const [pointer, id] of usesOf(intent)) {
    const profile = profiles.get(id);
    const unfit = profile && unfitness(profile, intent);
    if (unfit !== undefined) problems.push({ pointer, rule: 'not_deliverable', ...unfit });
  }
}

function unfitness(
  { name, esp, ike }: IntentProfile,
  { keyingMode = 'ike-less', securityProtocol = 'esp' }: FabricIntent,
): Pick<CompileProblem, 'detail' | 'fix'> | undefined {
  if (keyingMode !== 'ikev2') {
    return {
      detail: `The profile "${name}" says how edges negotiate (ikev2), and the tenant's edges do not: its keying mode is ${keyingMode}.`,
      fix: 'Let the edges negotiate (ikev2), or name no profile.',
    };
  }
  if (securityProtocol === 'ah' || esp.protocol === 'ah') {
    return {
      detail: `The profile "${name}" is to be of ESP, and so is the tenant that uses it: AH has no profiles.`,
      fix: 'Choose esp, or name no profile.',
    };
  }
  const long = [esp, ...ike.proposals].every(
    ({ encryption, keyBits }) => encryption !== 'chacha20-poly1305' || keyBits === 256,
  );
  if (long) return undefined;
  return {
    detail: `The profile "${name}" has ChaCha20-Poly1305 with other keys than those of 256 bits (RFC 7634 section 2).`,
    fix: 'Give ChaCha20-Poly1305 keys of 256 bits.',
  };
}

/** Where a profile is named that protects something. */
function usesOf({ policies, defaultProfileId }: FabricIntent): readonly (readonly [pointer: string, id: string])[] {
  const protects = ({ action, enabled }: Rule) => action === 'PROTECT' && enabled !== false;
  const named = policies.flatMap(({ enabled, rules }, policy) =>
    enabled
      ? rules.flatMap((rule, index) =>
          rule.profileId !== undefined && protects(rule)
            ? [[`/policies/${policy}/rules/${index}/profileId`, rule.profileId] as const]
            : [],
        )
      : [],
  );
  return [...(defaultProfileId === undefined ? [] : [['/defaultProfileId', defaultProfileId] as const]), ...named];
}

function pointerOf({ policies }: FabricIntent, ruleId: string): string {
  for (const [policy, { rules }] of policies.entries()) {
    const rule = rules.findIndex(({ id }) => id === ruleId);
    if (rule !== -1) return `/policies/${policy}/rules/${rule}`;
  }
  return '';
}

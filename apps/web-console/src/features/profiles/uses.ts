import type { Policy } from '../../api/index.js';
import { describeSelector, type Names } from '../policies/describe.js';

/** A rule of the draft whose tunnels have a profile. */
export interface ProfileUse {
  readonly ruleId: string;
  readonly policyId: string;
  /** `Mesh: Web`. */
  readonly rule: string;
  /** Who talks by it: `Berlin → Tokyo, Delhi`. */
  readonly pairs: string;
}

/**
 * The rules that have a profile, in order: those that name it, and of the default one those that name none. A rule that discards has no
 * tunnel, and uses a profile only in that it names one, which then stays; neither has one with external peers alone, remote hosts
 * among them, which are offered what is written with them.
 */
export function usesOf(
  profileId: string | null,
  standard: string | null,
  policies: readonly Policy[],
  names: Names,
): readonly ProfileUse[] {
  const side = (selectors: Policy['rules'][number]['sources']) =>
    selectors.map((selector) => describeSelector(selector, names)).join(', ');
  return policies.flatMap((policy) =>
    policy.rules
      .filter((rule) =>
        rule.profileId === null ? profileId === standard && hasTunnelsOfOurs(rule) : rule.profileId === profileId,
      )
      .map(({ id, name, sources, destinations }) => ({
        ruleId: id,
        policyId: policy.id,
        rule: `${policy.name}: ${name}`,
        pairs: `${side(sources)} → ${side(destinations)}`,
      })),
  );
}

function hasTunnelsOfOurs({ action, sources, destinations }: Policy['rules'][number]): boolean {
  const external = (side: typeof sources) =>
    side.every(({ kind }) => kind === 'external_peer' || kind === 'address_pool');
  return action === 'PROTECT' && !external(sources) && !external(destinations);
}

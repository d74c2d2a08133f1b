import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { TunnelStart } from '../intent.js';
import type { CompileProblem } from '../problem.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { SeveralProfiles } from '../tunnel-profiles.js';
import { AT_ONCE, soonestStart, type Trap } from '../tunnel-starts.js';
import type { DeliveredPeer } from './delivered-tunnels.js';
import { TunnelRules } from './tunnel-rules.js';

/** Of all that rules may say of a tunnel, what it has: one profile, since a pair of edges has one tunnel, and the soonest start. */
export class PeerChoices {
  readonly #fabric: CompiledFabric;
  readonly #rules: ReadonlyMap<string, ResolvedRule>;
  /** Of a rule that protects. */
  readonly #startOf: (ruleId: string) => TunnelStart;
  /** What all rules say that protect, when they say the same. */
  readonly #start: TunnelStart | undefined;

  constructor(fabric: CompiledFabric) {
    const { intent, rules } = fabric;
    this.#fabric = fabric;
    this.#rules = new Map(rules.map((rule) => [rule.ruleId, rule]));
    const distinct = new Map<string, TunnelStart>();
    const known = (start: TunnelStart) => {
      const key = JSON.stringify(start);
      const same = distinct.get(key) ?? start;
      distinct.set(key, same);
      return same;
    };
    const starts = new Map(
      rules.flatMap(({ ruleId, action, tunnelStart = intent.tunnelStart ?? AT_ONCE }) =>
        action === 'PROTECT' ? [[ruleId, known(tunnelStart)] as const] : [],
      ),
    );
    this.#startOf = (ruleId) => starts.get(ruleId) ?? AT_ONCE;
    this.#start = distinct.size === 1 ? [...distinct.values()][0] : undefined;
  }

  of(bundle: SharedBundle): readonly DeliveredPeer[] {
    const startsOf = this.#start === undefined ? this.#rulesOf(bundle).answers(this.#startOf) : undefined;
    return peersOf(bundle).flatMap((peer) => {
      const [profile] = peer.profiles;
      if (profile === undefined) return [];
      return [{ peer, profile, trap: trapOf(startsOf?.(peer) ?? [this.#start ?? AT_ONCE]) }];
    });
  }

  /** Reports rules that want different profiles of one tunnel. */
  report(bundles: readonly SharedBundle[], problems: CompileProblem[]): void {
    const protecting = [...this.#rules.values()].filter(({ action }) => action === 'PROTECT');
    if (new Set(protecting.map(({ profileId }) => profileId)).size < 2) return;
    const several = new SeveralProfiles(this.#fabric.intent, problems);
    for (const bundle of bundles) {
      const disputed = peersOf(bundle).filter((peer) => peer.profiles.length > 1 && !this.#isOffered(peer));
      const rules = disputed.length === 0 ? undefined : this.#rulesOf(bundle);
      for (const peer of disputed) this.#reportSeveral(bundle, peer, rules?.of(peer) ?? [], several);
    }
  }

  #rulesOf(bundle: SharedBundle): TunnelRules {
    return new TunnelRules(bundle, this.#fabric.plan.topology.ownership);
  }

  /** What an external peer is to be offered goes before the profiles of rules. */
  #isOffered({ owner: number }: PeerEntry): boolean {
    const owner = this.#fabric.plan.topology.owners[number];
    return owner?.kind === 'external' && owner.peer.offer !== undefined;
  }

  #reportSeveral({ owner }: SharedBundle, peer: PeerEntry, ruleIds: readonly string[], several: SeveralProfiles): void {
    const { served } = this.#fabric.plan.topology;
    const [first, ...others] = ruleIds.flatMap((ruleId) => this.#rules.get(ruleId) ?? []);
    for (const rule of others) {
      if (first === undefined || rule.profileId === first.profileId) continue;
      several.report(rule, first, [served[owner]?.edge.name ?? '', peer.name]);
    }
  }
}

function trapOf(starts: readonly TunnelStart[]): Trap | undefined {
  const start = starts.length === 0 ? AT_ONCE : starts.reduce(soonestStart);
  return start.kind === 'trap' ? start : undefined;
}

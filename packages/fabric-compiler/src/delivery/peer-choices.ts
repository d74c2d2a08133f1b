import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { CompileProblem } from '../problem.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { SeveralProfiles } from '../tunnel-profiles.js';
import type { DeliveredPeer } from './delivered-tunnels.js';
import { StartChoices } from './start-choices.js';
import { TunnelRules } from './tunnel-rules.js';

/** Of all that rules may say of a tunnel, what it has: one profile, since a pair of edges has one tunnel, and the soonest start. */
export class PeerChoices {
  readonly #fabric: CompiledFabric;
  readonly #rules: ReadonlyMap<string, ResolvedRule>;
  readonly #starts: StartChoices;

  constructor(fabric: CompiledFabric) {
    this.#fabric = fabric;
    this.#rules = new Map(fabric.rules.map((rule) => [rule.ruleId, rule]));
    this.#starts = new StartChoices(fabric);
  }

  of(bundle: SharedBundle): readonly DeliveredPeer[] {
    const startOf = this.#starts.of(bundle);
    return peersOf(bundle).flatMap((peer) => {
      const [profile] = peer.profiles;
      if (profile === undefined) return [];
      const start = startOf(peer);
      return [{ peer, profile, trap: start?.kind === 'trap' ? start : undefined }];
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

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

/**
 * Of all that rules may say of a tunnel, what it has: one profile, since a pair of edges has one tunnel, and the soonest start.
 * What cannot be had is reported.
 */
export class PeerChoices {
  readonly #fabric: CompiledFabric;
  readonly #rules: ReadonlyMap<string, ResolvedRule>;
  readonly #several: SeveralProfiles;
  /** Of a rule that protects. */
  readonly #startOf: (ruleId: string) => TunnelStart;
  /** What all rules say that protect, when they say the same. */
  readonly #start: TunnelStart | undefined;

  constructor(fabric: CompiledFabric, problems: CompileProblem[]) {
    const { intent, rules } = fabric;
    this.#fabric = fabric;
    this.#rules = new Map(rules.map((rule) => [rule.ruleId, rule]));
    this.#several = new SeveralProfiles(intent, problems);
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
    const rules = new LazyRules(bundle, this.#fabric);
    const startsWith = this.#start === undefined ? rules.value.answers(this.#startOf) : undefined;
    return peersOf(bundle).flatMap((peer) => {
      const [profile, ...others] = peer.profiles;
      if (profile === undefined) return [];
      if (others.length > 0 && !this.#isOffered(peer)) this.#reportSeveral(bundle, peer, rules.value);
      return [{ peer, profile, trap: trapOf(startsWith?.(peer) ?? [this.#start ?? AT_ONCE]) }];
    });
  }

  /** What an external peer is to be offered goes before the profiles of rules. */
  #isOffered({ owner: number }: PeerEntry): boolean {
    const owner = this.#fabric.plan.topology.owners[number];
    return owner?.kind === 'external' && owner.peer.offer !== undefined;
  }

  #reportSeveral({ owner }: SharedBundle, peer: PeerEntry, rules: TunnelRules): void {
    const { served } = this.#fabric.plan.topology;
    const sending = rules.of(peer).flatMap((ruleId) => this.#rules.get(ruleId) ?? []);
    const [first, ...others] = sending;
    for (const rule of others) {
      if (first === undefined || rule.profileId === first.profileId) continue;
      this.#several.report(rule, first, [served[owner]?.edge.name ?? '', peer.name]);
    }
  }
}

/** Mostly nobody asks: all rules say the same. */
class LazyRules {
  readonly #bundle: SharedBundle;
  readonly #fabric: CompiledFabric;
  #value: TunnelRules | undefined;

  constructor(bundle: SharedBundle, fabric: CompiledFabric) {
    this.#bundle = bundle;
    this.#fabric = fabric;
  }

  get value(): TunnelRules {
    this.#value ??= new TunnelRules(this.#bundle, this.#fabric.plan.topology.ownership);
    return this.#value;
  }
}

function trapOf(starts: readonly TunnelStart[]): Trap | undefined {
  const start = starts.length === 0 ? AT_ONCE : starts.reduce(soonestStart);
  return start.kind === 'trap' ? start : undefined;
}

import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import type { SharedBundle } from '../fabric/shared-bundle.js';
import type { TunnelStart } from '../intent.js';
import type { Topology } from '../topology.js';
import { AT_ONCE, soonestStart } from '../tunnel-starts.js';
import { TunnelRules } from './tunnel-rules.js';

/** When tunnels start that are negotiated: of what all rules want that send packets into one, the soonest (ADR 33). */
export class StartChoices {
  readonly #topology: Topology;
  /** By id of a rule that protects. Starts that are the same are one object. */
  readonly #starts: ReadonlyMap<string, TunnelStart>;
  /** What all rules say that protect, when they say the same. */
  readonly #only: TunnelStart | undefined;

  constructor({ intent, plan, rules }: Pick<CompiledFabric, 'intent' | 'plan' | 'rules'>) {
    this.#topology = plan.topology;
    const distinct = new Map<string, TunnelStart>();
    const known = (start: TunnelStart) => {
      const key = JSON.stringify(start);
      const same = distinct.get(key) ?? start;
      distinct.set(key, same);
      return same;
    };
    this.#starts = new Map(
      rules.flatMap(({ ruleId, action, tunnelStart = intent.tunnelStart ?? AT_ONCE }) =>
        action === 'PROTECT' ? [[ruleId, known(tunnelStart)] as const] : [],
      ),
    );
    this.#only = distinct.size === 1 ? [...distinct.values()][0] : undefined;
  }

  /** Tells it for each peer of an edge. Undefined: a remote host begins, and is waited for whatever a rule says. */
  of(bundle: SharedBundle): (peer: PeerEntry) => TunnelStart | undefined {
    const wanted = this.#wanted(bundle);
    return (peer) => {
      if (peer.access !== undefined) return undefined;
      // Which edge of a site answers is found out inside the tunnels: those with one of several are there without traffic.
      if (this.#hasSeveralEdges(bundle.owner) || this.#hasSeveralEdges(peer.owner)) return AT_ONCE;
      const starts = wanted(peer);
      return starts.length === 0 ? AT_ONCE : starts.reduce(soonestStart);
    };
  }

  #wanted(bundle: SharedBundle): (peer: PeerEntry) => readonly TunnelStart[] {
    const only = this.#only;
    if (only !== undefined) return () => [only];
    const rules = new TunnelRules(bundle, this.#topology.ownership);
    return rules.answers((ruleId) => this.#starts.get(ruleId) ?? AT_ONCE);
  }

  #hasSeveralEdges(owner: number): boolean {
    return (this.#topology.served[owner]?.edges.length ?? 0) > 1;
  }
}

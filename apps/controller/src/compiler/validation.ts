import {
  affectedEdges,
  alternativePeers,
  type CompiledFabric,
  changedFlows,
  changedTunnels,
  type EdgeBundle,
  type FabricIntent,
  proveAlternatives,
  proveTransition,
  ruleMeanings,
  undeliverable,
} from '@weft/fabric-compiler';
import { encodeBundle } from '../distribution/bundle-content.js';
import { removalBetween } from '../distribution/removals.js';
import type { CompiledFabrics } from './compiled-fabrics.js';
import type { BundleChange, CompilerAnswers, Validation } from './compiler-job.js';
import { reportedFinding, reportedFlow } from './report.js';

/**
 * Compiles an intent, proves it and the way to it, runs the operators' tests, and says what would change. `before` is what
 * is in force: of that, all that edges are given is made and proven once, and of what may follow, what an edit affects.
 */
export function validate(
  before: FabricIntent | undefined,
  after: FabricIntent,
  fabrics: CompiledFabrics,
): CompilerAnswers['validation'] {
  const old = before === undefined ? undefined : compiledOf(before, fabrics);
  const shared = fabrics.compile(after, old);
  // Everything that is wrong is said at once.
  if (!shared.ok) return { ok: false, problems: [...shared.problems, ...undeliverable(after)] };
  const { fabric } = shared;
  const affected = old === undefined ? undefined : affectedBy(old, fabric, fabrics);
  const delivered = fabrics.deliver(fabric, affected);
  if (!delivered.ok) return delivered;
  const hashes = hashesOf(delivered.bundles);
  if (old !== undefined) fabrics.prove(old);
  return {
    ok: true,
    validation: {
      findings: findingsOf(old, fabric, { bundles: delivered.bundles, hashes, affected }, fabrics),
      bundles: changedBundles(old, { bundles: delivered.bundles, hashes, affected }, fabrics),
      ...effectOf(old, fabric, fabrics.prove(fabric, old).readable.length),
      ruleMeanings: ruleMeanings(fabric),
    },
  };
}

/** A published intent compiled when it was published; should a later compiler refuse it, everything counts as new. */
function compiledOf(intent: FabricIntent, fabrics: CompiledFabrics): CompiledFabric | undefined {
  const result = fabrics.compile(intent);
  return result.ok ? result.fabric : undefined;
}

/** What an edit may give other bundles to; undefined: every edge, also when it is not known what edges have now. */
function affectedBy(
  old: CompiledFabric,
  fabric: CompiledFabric,
  fabrics: CompiledFabrics,
): ReadonlySet<string> | undefined {
  const affected = affectedEdges(old, fabric);
  if (affected === undefined || fabrics.isDelivered(old)) return affected;
  const delivered = fabrics.deliver(old);
  if (!delivered.ok) return undefined;
  fabrics.proveDelivered(old, {
    bundles: delivered.bundles,
    hashes: hashesOf(delivered.bundles),
    affected: undefined,
  });
  return affected;
}

/** What edges would be given, and hashes of that as octets. */
interface Delivery {
  readonly bundles: ReadonlyMap<string, EdgeBundle>;
  readonly hashes: ReadonlyMap<string, Buffer>;
  /** The edges that it is about, others being given what they have; undefined: all. */
  readonly affected: ReadonlySet<string> | undefined;
}

function findingsOf(
  old: CompiledFabric | undefined,
  fabric: CompiledFabric,
  delivery: Delivery,
  fabrics: CompiledFabrics,
) {
  const proof = fabrics.prove(fabric, old);
  const transition = old === undefined ? [] : proveTransition(old, fabric);
  const alternatives = provenAlternatives(fabric, delivery, fabrics);
  const differing = [...fabrics.proveDelivered(fabric, delivery, old).values()].flat().slice(0, MAXIMUM_DIFFERING);
  return [...proof.findings, ...transition, ...alternatives, ...differing].map((finding) =>
    reportedFinding(finding, proof, fabric.intent),
  );
}

/** Of a site with several edges it is looked at what its peers are given, too, whether or not that is something else. */
function provenAlternatives(fabric: CompiledFabric, { bundles, affected }: Delivery, fabrics: CompiledFabrics) {
  if (affected === undefined) return proveAlternatives(bundles, fabric.intent);
  const peers = alternativePeers(bundles.values(), fabric.intent);
  const others = new Set([...peers].filter((edgeId) => !bundles.has(edgeId)));
  if (others.size === 0) return proveAlternatives(bundles, fabric.intent, affected);
  const witnesses = fabrics.deliver(fabric, others);
  // It was delivered to the affected ones, so that it can be.
  const all = new Map([...bundles, ...(witnesses.ok ? witnesses.bundles : [])]);
  return proveAlternatives(all, fabric.intent, affected);
}

function effectOf(
  old: CompiledFabric | undefined,
  fabric: CompiledFabric,
  notEncrypted: number,
): Pick<Validation, 'tunnels' | 'flows'> {
  const tunnels = changedTunnels(old, fabric);
  const { flows, sitePairs, complete } = changedFlows(old, fabric);
  const count = (kind: (typeof tunnels)[number]['change']) => tunnels.filter(({ change }) => change === kind).length;
  return {
    tunnels: {
      added: count('added'),
      removed: count('removed'),
      changed: count('changed'),
      notEncrypted,
      items: tunnels.slice(0, MAXIMUM_ITEMS),
    },
    flows: { sitePairs, complete, items: flows.slice(0, MAXIMUM_ITEMS).map(reportedFlow) },
  };
}

function changedBundles(
  before: CompiledFabric | undefined,
  { bundles, hashes: now, affected }: Delivery,
  fabrics: CompiledFabrics,
): readonly BundleChange[] {
  const result = before === undefined ? undefined : fabrics.deliver(before, affected);
  const was: ReadonlyMap<string, EdgeBundle> = result?.ok ? result.bundles : new Map();
  const old = hashesOf(was);
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((edgeId): BundleChange[] => {
    const change = changeOf(old.get(edgeId), now.get(edgeId));
    if (change === undefined) return [];
    const [from, to] = [was.get(edgeId), bundles.get(edgeId)];
    return [{ edgeId, change, removal: from && to && removalBetween(from, to) }];
  });
}

function hashesOf(bundles: ReadonlyMap<string, EdgeBundle>): ReadonlyMap<string, Buffer> {
  return new Map([...bundles].map(([edgeId, bundle]) => [edgeId, encodeBundle(bundle).hash]));
}

function changeOf(before: Buffer | undefined, after: Buffer | undefined): BundleChange['change'] | undefined {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  return before.equals(after) ? undefined : 'changed';
}

/** One would be enough to publish nothing. */
const MAXIMUM_DIFFERING = 50;
/** What is shown of long lists; their numbers are exact. */
const MAXIMUM_ITEMS = 200;

import {
  affectedEdges,
  type CompiledFabric,
  type CompileProblem,
  type CompileResult,
  changedFlows,
  changedTunnels,
  compileFabric,
  type EdgeBundle,
  type FabricIntent,
  proveAlternatives,
  proveTransition,
  ruleMeanings,
} from '@weft/fabric-compiler';
import { type BundleContent, encodeBundle } from '../distribution/bundle-content.js';
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
  const affected = shared.ok && old !== undefined ? affectedBy(old, shared.fabric, fabrics) : undefined;
  const delivered = compileFabric(after, affected);
  if (!delivered.ok || !shared.ok) return { ok: false, problems: allProblems(delivered, shared) };
  const { fabric } = shared;
  const contents = encoded(delivered.bundles);
  if (old !== undefined) fabrics.prove(old);
  return {
    ok: true,
    validation: {
      findings: findingsOf(old, fabric, { bundles: delivered.bundles, contents, affected }, fabrics),
      bundles: changedBundles(before, { bundles: delivered.bundles, contents, affected }),
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
  const delivered = compileFabric(old.intent);
  if (!delivered.ok) return undefined;
  fabrics.proveDelivered(old, {
    bundles: delivered.bundles,
    contents: encoded(delivered.bundles),
    affected: undefined,
  });
  return affected;
}

/** What edges would be given, and that as octets. */
interface Delivery {
  readonly bundles: ReadonlyMap<string, EdgeBundle>;
  readonly contents: ReadonlyMap<string, BundleContent>;
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
  const alternatives = proveAlternatives(delivery.bundles, fabric.intent);
  const differing = [...fabrics.proveDelivered(fabric, delivery, old).values()].flat().slice(0, MAXIMUM_DIFFERING);
  return [...proof.findings, ...transition, ...alternatives, ...differing].map((finding) =>
    reportedFinding(finding, proof, fabric.intent),
  );
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
  before: FabricIntent | undefined,
  { bundles, contents: now, affected }: Delivery,
): readonly BundleChange[] {
  const result = before === undefined ? undefined : compileFabric(before, affected);
  const was: ReadonlyMap<string, EdgeBundle> = result?.ok ? result.bundles : new Map();
  const old = encoded(was);
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((edgeId): BundleChange[] => {
    const change = changeOf(old.get(edgeId), now.get(edgeId));
    if (change === undefined) return [];
    const [from, to] = [was.get(edgeId), bundles.get(edgeId)];
    return [{ edgeId, change, removal: from && to && removalBetween(from, to) }];
  });
}

function encoded(bundles: ReadonlyMap<string, EdgeBundle>): ReadonlyMap<string, BundleContent> {
  return new Map([...bundles].map(([edgeId, bundle]) => [edgeId, encodeBundle(bundle)]));
}

function changeOf(
  before: BundleContent | undefined,
  after: BundleContent | undefined,
): BundleChange['change'] | undefined {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  return before.octets.equals(after.octets) ? undefined : 'changed';
}

type Refusal = { readonly ok: boolean; readonly problems?: readonly CompileProblem[] };

/** Both compilers check alike, save for what only one of them can say. */
function allProblems(delivered: CompileResult, shared: Refusal): readonly CompileProblem[] {
  const all = [...(delivered.ok ? [] : delivered.problems), ...(shared.problems ?? [])];
  return [...new Map(all.map((problem) => [`${problem.pointer} ${problem.rule} ${problem.detail}`, problem])).values()];
}

/** One would be enough to publish nothing. */
const MAXIMUM_DIFFERING = 50;
/** What is shown of long lists; their numbers are exact. */
const MAXIMUM_ITEMS = 200;

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planDelivery } from '../src/delivery/deliver-fabric.js';
import { type CompiledFabric, compileShared } from '../src/fabric/compile-shared.js';
import type { FabricIntent } from '../src/intent.js';
import { type FabricProof, proveFabric } from '../src/proof/prove-fabric.js';
import { EDIT_ROUNDS, MESH_EDITS } from './mesh-edits.js';
import { meshIntent } from './mesh-intent.js';

/**
 * What one size costs. Milliseconds of wall time; `editMs` is the median of the dearest kind of edit after which one rule means
 * something else. What another meaning of hundreds of rules costs is beside it, in `edits`.
 */
interface CompileFigures {
  readonly sites: number;
  readonly rules: number;
  readonly compileMs: number;
  readonly proofMs: number;
  /** Writing what every edge is given, one site after the other. */
  readonly deliveryMs: number;
  /** Entries of the largest of these. */
  readonly deliveredEntries: number;
  readonly editMs: number;
  readonly peakMiB: number;
  readonly edits: readonly EditFigure[];
}

interface EditFigure {
  readonly kind: string;
  /** Whether one rule means something else after it, or many do. */
  readonly rules: 'one' | 'many';
  readonly medianMs: number;
  readonly changedBundles: number;
}

/**
 * `npm run bench:compile [-- --sites N] [--rules N] [--json]`: a full mesh compiled and proven from nothing, and one rule edited,
 * up to the new bundles with their hashes and the new proof. Without `--sites` the curve at 100, 300, 1,000 and 3,000, each in a
 * process of its own, so that the peak of memory is its own. `--json` adds one object as the last line: of the size that was asked
 * for, or of 1,000 sites.
 */
function main(): void {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, sites: { type: 'string' }, rules: { type: 'string', default: '2000' } },
  });
  const rules = Number(values.rules);
  const curve = values.sites === undefined ? CURVE.map((sites) => inOwnProcess(sites, rules)) : [];
  const figures =
    values.sites === undefined ? curve.find(({ sites }) => sites === 1000) : measure(Number(values.sites), rules);
  if (figures === undefined) throw new Error('the curve has no 1,000 sites');
  print(table(curve.length > 0 ? curve : [figures]));
  if (values.json === true) print(JSON.stringify(curve.length > 0 ? { ...figures, curve } : figures));
}

function measure(sites: number, rules: number): CompileFigures {
  const intent = meshIntent(sites, rules);
  const [compileMs, fabric] = timed(() => compiled(intent, undefined));
  const [proofMs, proof] = timed(() => proven(fabric, undefined));
  const edits = Object.entries(MESH_EDITS).map(([kind, edit]) =>
    measureEdit(kind, (round) => edit(intent, round, rules), fabric, proof),
  );
  const [deliveryMs, deliveredEntries] = timed(() => delivered(fabric));
  return {
    sites,
    rules,
    compileMs: Math.round(compileMs),
    proofMs: Math.round(proofMs),
    deliveryMs: Math.round(deliveryMs),
    deliveredEntries,
    editMs: Math.max(...edits.flatMap(({ rules: changed, medianMs }) => (changed === 'one' ? [medianMs] : []))),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    edits,
  };
}

/** The edited revision is a copy that shares nothing with the one before, as one that was read from a database. */
function measureEdit(
  kind: string,
  edited: (round: number) => FabricIntent,
  fabric: CompiledFabric,
  proof: FabricProof,
): EditFigure {
  const times: number[] = [];
  let changedBundles = 0;
  for (let round = 0; round < EDIT_ROUNDS; round += 1) {
    const intent = structuredClone(edited(round));
    const [milliseconds] = timed(() => {
      const result = compileShared(intent, fabric);
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      changedBundles = result.changed.length;
      return proven(result.fabric, proof);
    });
    times.push(milliseconds);
  }
  times.sort((left, right) => left - right);
  const rules = OF_MANY_RULES.has(kind) ? 'many' : 'one';
  return { kind, rules, medianMs: Math.round(times[EDIT_ROUNDS >>> 1] ?? 0), changedBundles };
}

function compiled(intent: FabricIntent, before: CompiledFabric | undefined): CompiledFabric {
  const result = compileShared(intent, before);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.fabric;
}

/** As when it is published: each is encoded and let go. */
function delivered(fabric: CompiledFabric): number {
  const plan = planDelivery(fabric);
  if (!plan.ok) throw new Error(JSON.stringify(plan.problems));
  let most = 0;
  for (const { owner } of fabric.bundles) {
    for (const { securityPolicies } of plan.delivery.bundlesOf(owner)) most = Math.max(most, securityPolicies.length);
  }
  return most;
}

function proven(fabric: CompiledFabric, before: FabricProof | undefined): FabricProof {
  const proof = proveFabric(fabric, before);
  if (proof.findings.length > 0) throw new Error(JSON.stringify(proof.findings[0]?.detail));
  return proof;
}

function timed<Result>(run: () => Result): readonly [milliseconds: number, result: Result] {
  const start = performance.now();
  const result = run();
  return [performance.now() - start, result];
}

function inOwnProcess(sites: number, rules: number): CompileFigures {
  const file = fileURLToPath(import.meta.url);
  const args = [...process.execArgv, file, '--sites', String(sites), '--rules', String(rules), '--json'];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${sites} sites: exit ${status}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

function table(figures: readonly CompileFigures[]): string {
  const kinds = Object.keys(MESH_EDITS);
  const head = [
    'sites',
    'rules',
    'compile ms',
    'proof ms',
    'delivery ms (entries)',
    ...kinds.map((kind) => `edit: ${kind}, ms (bundles)`),
    'peak MiB',
  ];
  const rows = figures.map(({ sites, rules, compileMs, proofMs, deliveryMs, deliveredEntries, edits, peakMiB }) => [
    sites,
    rules,
    compileMs,
    proofMs,
    `${deliveryMs} (${deliveredEntries})`,
    ...edits.map(({ medianMs, changedBundles }) => `${medianMs} (${changedBundles})`),
    peakMiB,
  ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const OF_MANY_RULES: ReadonlySet<string> = new Set(['a group of every fourth rule']);
const CURVE = [100, 300, 1000, 3000];

main();

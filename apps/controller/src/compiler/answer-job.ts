import { compileFabric, type EdgeBundle, type FabricIntent } from '@weft/fabric-compiler';
import { type BundleContent, encodeBundle } from '../distribution/bundle-content.js';
import type { BundleChange, CompiledBundle, CompilerAnswers, CompilerJob } from './compiler-job.js';

/** Does one job. Pure: the same job has the same answer. Throws only on a bug. */
export function answerJob(job: CompilerJob): CompilerAnswers[CompilerJob['kind']] {
  switch (job.kind) {
    case 'bundles':
      return bundlesOf(job.intent);
    case 'comparison':
      return comparisonOf(job.before, job.after);
  }
}

function bundlesOf(intent: FabricIntent): CompilerAnswers['bundles'] {
  const result = compileFabric(intent);
  if (!result.ok) return result;
  const bundles = [...result.bundles].map(([edgeId, bundle]): CompiledBundle => ({ edgeId, ...encodeBundle(bundle) }));
  return { ok: true, bundles };
}

function comparisonOf(before: FabricIntent | undefined, after: FabricIntent): CompilerAnswers['comparison'] {
  const result = compileFabric(after);
  if (!result.ok) return result;
  const [old, now] = [encodedBefore(before), encoded(result.bundles)];
  const changes = [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((edgeId): BundleChange[] => {
    const change = changeOf(old.get(edgeId), now.get(edgeId));
    return change === undefined ? [] : [{ edgeId, change }];
  });
  return { ok: true, changes };
}

/** A published intent compiled when it was published; should a later compiler refuse it, every edge counts as new. */
function encodedBefore(intent: FabricIntent | undefined): ReadonlyMap<string, BundleContent> {
  const result = intent === undefined ? undefined : compileFabric(intent);
  return result?.ok ? encoded(result.bundles) : new Map();
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

import { planDelivery } from '@weft/fabric-compiler';
import { encodeBundle } from '../distribution/bundle-content.js';
import type { CompiledFabrics } from './compiled-fabrics.js';
import type { BundlesJob, CompiledBundle, CompilerAnswers, CompilerJob } from './compiler-job.js';
import { explain } from './explanation.js';
import { validate } from './validation.js';

/** Does one job. The same job has the same answer, whatever `fabrics` remembers. Throws only on a bug. */
export function answerJob(job: CompilerJob, fabrics: CompiledFabrics): CompilerAnswers[CompilerJob['kind']] {
  switch (job.kind) {
    case 'bundles':
      return bundlesOf(job, fabrics);
    case 'validation':
      return validate(job.before, job.after, fabrics);
    case 'explanation':
      return explain(job.intent, job.packet, fabrics);
  }
}

function bundlesOf(
  { intent, revokedSerials, known }: BundlesJob,
  fabrics: CompiledFabrics,
): CompilerAnswers['bundles'] {
  const compiled = fabrics.compile(intent);
  if (!compiled.ok) return compiled;
  const { fabric } = compiled;
  const plan = planDelivery(fabric);
  if (!plan.ok) return plan;
  // What was validated was written then. It knows nothing of revoked certificates, which are in bundles, too.
  const validated = revokedSerials?.size ? undefined : fabrics.deliveredHashes(fabric);
  const bundles: CompiledBundle[] = [];
  const unchanged: string[] = [];
  // Site by site: of a large fabric the octets alone are in memory at once.
  for (const { owner, edgeId: preferred, standbys } of fabric.bundles) {
    const wanted = new Set<string>();
    for (const { edgeId } of [{ edgeId: preferred }, ...standbys]) {
      if (sameHash(validated?.get(edgeId), known?.get(edgeId))) unchanged.push(edgeId);
      else wanted.add(edgeId);
    }
    for (const bundle of plan.delivery.bundlesOf(owner, wanted)) {
      const content = encodeBundle(bundle, revokedSerials);
      if (sameHash(content.hash, known?.get(bundle.edgeId))) unchanged.push(bundle.edgeId);
      else bundles.push({ edgeId: bundle.edgeId, ...content });
    }
  }
  return { ok: true, bundles, unchanged };
}

function sameHash(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

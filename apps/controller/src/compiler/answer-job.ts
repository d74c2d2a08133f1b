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

function bundlesOf({ intent, revokedSerials }: BundlesJob, fabrics: CompiledFabrics): CompilerAnswers['bundles'] {
  const compiled = fabrics.compile(intent);
  if (!compiled.ok) return compiled;
  const plan = planDelivery(compiled.fabric);
  if (!plan.ok) return plan;
  // Site by site: of a large fabric the octets alone are in memory at once.
  const bundles = compiled.fabric.bundles.flatMap(({ owner }) =>
    plan.delivery
      .bundlesOf(owner)
      .map((bundle): CompiledBundle => ({ edgeId: bundle.edgeId, ...encodeBundle(bundle, revokedSerials) })),
  );
  return { ok: true, bundles };
}

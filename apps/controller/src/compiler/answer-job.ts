import { compileFabric } from '@weft/fabric-compiler';
import { encodeBundle } from '../distribution/bundle-content.js';
import { singlePathHash } from '../distribution/taken-bundle.js';
import type { CompiledFabrics } from './compiled-fabrics.js';
import type { BundlesJob, CompiledBundle, CompilerAnswers, CompilerJob } from './compiler-job.js';
import { explain } from './explanation.js';
import { validate } from './validation.js';

/** Does one job. The same job has the same answer, whatever `fabrics` remembers. Throws only on a bug. */
export function answerJob(job: CompilerJob, fabrics: CompiledFabrics): CompilerAnswers[CompilerJob['kind']] {
  switch (job.kind) {
    case 'bundles':
      return bundlesOf(job);
    case 'validation':
      return validate(job.before, job.after, fabrics);
    case 'explanation':
      return explain(job.intent, job.packet, fabrics);
  }
}

function bundlesOf({ intent, revokedSerials }: BundlesJob): CompilerAnswers['bundles'] {
  const result = compileFabric(intent);
  if (!result.ok) return result;
  const bundles = [...result.bundles].map(([edgeId, bundle]): CompiledBundle => {
    const content = encodeBundle(bundle, revokedSerials);
    return { edgeId, ...content, singlePathHash: singlePathHash(content) };
  });
  return { ok: true, bundles };
}

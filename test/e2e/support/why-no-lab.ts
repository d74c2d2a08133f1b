import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missingRequirements, THIS_MACHINE } from '@weft/lab';

/** Why this machine cannot run the lab: the reason that a skipped test gives. Undefined when it can. */
export function whyNoLab(): string | undefined {
  const missing = missingRequirements(THIS_MACHINE);
  if (missing.length > 0) return missing.map(({ what, repair }) => [what, repair].join(' ').trim()).join(' ');
  const unbuilt = PROGRAMS.filter((program) => !existsSync(program));
  return unbuilt.length === 0 ? undefined : `not built (npm run build): ${unbuilt.join(', ')}`;
}

const PROGRAMS = ['apps/controller', 'apps/edge-agent', 'tools/lab'].map((project) =>
  fileURLToPath(new URL(`../../../${project}/dist/main.js`, import.meta.url)),
);

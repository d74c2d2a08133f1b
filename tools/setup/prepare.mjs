// Everything that has to be there before the lab or the tests can run, each thing looked at first and done only when missing.
// Plain Node without packages: this runs before `npm ci` has.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProjects } from './build.mjs';
import { holdSetupLock } from './lock.mjs';
import { whyNodeIsTooOld } from './node-version.mjs';
import { installNpmPackages } from './npm-packages.mjs';
import { phase, say } from './phase-line.mjs';
import { installSystemPackages, thisMachine } from './system-packages.mjs';
import { unpackTestPeers } from './test-peers.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * @param {{ purpose: import('./system-packages.mjs').Purpose, checkout?: string, machine?: import('./system-packages.mjs').Machine }} options
 *   the last two are other ones in tests only
 * @returns {Promise<boolean>} false when something is missing that only a person can provide; it has then been said.
 */
export async function prepare({ purpose, checkout = root, machine = thisMachine }) {
  const tooOld = whyNodeIsTooOld(process.versions.node);
  if (tooOld !== undefined) {
    say(tooOld);
    return false;
  }
  const release = await holdSetupLock(checkout);
  try {
    return (
      (await phase('system packages', () => installSystemPackages(purpose, machine))) &&
      (purpose === 'lab' || (await unpackTestPeers(checkout, machine))) &&
      (await phase('npm packages', () => installNpmPackages(checkout))) &&
      // The interop tests run the engine from its source.
      (purpose === 'interop' || (await phase('build', () => buildProjects(checkout))))
    );
  } finally {
    await release();
  }
}

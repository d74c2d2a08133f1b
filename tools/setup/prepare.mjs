// Everything that has to be there before the lab or the tests can run, each thing looked at first and done only when missing.
// Plain Node without packages: this runs before `npm ci` has.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProjects } from './build.mjs';
import { holdSetupLock } from './lock.mjs';
import { installNpmPackages } from './npm-packages.mjs';
import { phase } from './phase-line.mjs';
import { installSystemPackages } from './system-packages.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * @param {{ purpose: 'lab' | 'test' }} options
 * @returns {Promise<boolean>} false when something is missing that only a person can provide; it has then been said.
 */
export async function prepare({ purpose }) {
  if (!nodeIsRecentEnough()) return false;
  const release = await holdSetupLock(path.join(root, '.weft'));
  try {
    const phases = [
      ['system packages', () => installSystemPackages(purpose)],
      ['npm packages', () => installNpmPackages(root)],
      ['build', () => buildProjects(root)],
    ];
    for (const [name, run] of phases) {
      if (!(await phase(name, run))) return false;
    }
    return true;
  } finally {
    release();
  }
}

function nodeIsRecentEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return true;
  process.stderr.write(`Weft needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.\n`);
  return false;
}

const OLDEST_NODE = [20, 19];

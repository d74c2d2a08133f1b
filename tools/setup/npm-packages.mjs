// The npm packages of package-lock.json, installed when node_modules holds something else.
import fs from 'node:fs';
import path from 'node:path';
import { runQuietly } from './commands.mjs';
import { say } from './phase-line.mjs';

/**
 * Runs `npm ci` unless node_modules is what package-lock.json describes already.
 * @param {string} root of the checkout
 * @returns {Promise<{ ok: boolean, text: string }>}
 */
export async function installNpmPackages(root) {
  const reason = whyNotInstalled(root);
  if (reason === undefined) return { ok: true, text: 'as in package-lock.json' };
  say(`Installing npm packages: ${reason}.`);
  const { code, output } = await runQuietly('npm', ['ci'], { cwd: root });
  if (code !== 0) return { ok: false, text: `npm ci failed:\n${output.trim()}` };
  return { ok: true, text: 'installed with npm ci' };
}

/**
 * npm leaves in node_modules/.package-lock.json what it has put there, when it is done. Optional packages may be absent:
 * they are for other platforms.
 * @param {string} root of the checkout
 * @returns {string | undefined} the first difference
 */
export function whyNotInstalled(root) {
  const wanted = readPackages(path.join(root, 'package-lock.json'));
  const installed = readPackages(path.join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined) return 'package-lock.json cannot be read';
  if (installed === undefined) return 'node_modules is missing or was not finished';
  for (const [where, entry] of Object.entries(wanted)) {
    if (!where.includes('node_modules/')) continue;
    const present = installed[where];
    if (present === undefined) {
      if (entry.optional === true || entry.devOptional === true) continue;
      return `${where} is not installed`;
    }
    if (present.version !== entry.version || present.link !== entry.link) return `${where} is not ${entry.version}`;
  }
  return undefined;
}

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, devOptional?: boolean }} LockedPackage
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined; // absent or half written: either way it does not say what is installed
  }
}

// The programs of the lab and the tests, built by nx, which does nothing twice.
import path from 'node:path';
import { runQuietly } from './commands.mjs';

const PROJECTS = ['@weft/controller', '@weft/edge-agent', '@weft/web-console', '@weft/lab', '@weft/cli'];

/**
 * @param {string} root of the checkout
 * @returns {Promise<{ ok: boolean, text: string }>}
 */
export async function buildProjects(root) {
  const nx = path.join(root, 'node_modules/.bin/nx');
  const args = [nx, 'run-many', '--target=build', `--projects=${PROJECTS.join(',')}`, '--output-style=static'];
  const { code, output } = await runQuietly(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NX_NO_CLOUD: 'true', NX_DAEMON: 'false', FORCE_COLOR: '0' },
  });
  if (code !== 0) return { ok: false, text: `failed:\n${output.trim()}` };
  const reused = /read the output from the cache[^\d]*(\d+) out of (\d+)/.exec(output);
  return { ok: true, text: reused ? `${reused[1]} of ${reused[2]} projects unchanged` : 'done' };
}

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installations } from './installations.js';
import { writeTally } from './report.js';

/**
 * `npm run test:interop`: our IKEv2 and ESP with strongSwan, in namespaces of its own that end with this process.
 * usage: main.ts [--only TEXT] [--verbose]
 * Ends with a table and the line "N passed, N failed, N skipped". With --bench (`npm run bench:ike`) it measures instead:
 * see bench/main.ts.
 */
const missing = whyNot();
if (missing !== undefined) {
  console.log(`interop: skipped: ${missing}`);
  writeTally({ passed: 0, failed: [], skipped: [{ name: 'IKEv2 and ESP with strongSwan', why: missing }] });
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}
const node = [process.execPath, '--conditions=source', '--import', '@oxc-node/core/register'];
const inner = fileURLToPath(
  new URL(process.argv.includes('--bench') ? './bench/main.ts' : './inner.ts', import.meta.url),
);
const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
// `sh` is the first process of the namespace and collects orphans, which node would not.
const program = ['sh', '-c', 'mount -t tmpfs tmpfs /run && mkdir /run/netns && "$@"; exit $?', 'sh', ...node, inner];
const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...unshare, '--', ...program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
child.on('exit', (code) => process.exit(code ?? 1));

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces and TUN devices';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  if (installations().length === 0) {
    return 'needs strongSwan: `npm run test:interop` as root unpacks that of Debian or Ubuntu for this checkout, and installs nothing';
  }
  return undefined;
}

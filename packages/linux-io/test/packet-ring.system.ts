import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./support/ring-program.mjs', import.meta.url));
const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const namespaces = ['--net', ...user, '--'];

it('sees what arrives once, whole and in order, and counts what found the ring full', (context) => {
  const { status, stderr } = spawnSync('unshare', [...namespaces, 'true'], { encoding: 'utf8' });
  context.skip(status !== 0, `needs network namespaces: ${stderr}`);
  const said = JSON.parse(execFileSync('unshare', [...namespaces, process.execPath, program], { encoding: 'utf8' }));
  const { few, seen, droppedAtFirst, many, droppedThen, kept } = said;
  // IPv4, its header and UDP's before the payload: the loopback delivers what leaves, and what leaves is left out.
  expect(seen).toEqual(Array.from({ length: few }, (_, index) => [0x0800, 20 + 8 + 100, index]));
  expect(droppedAtFirst).toBe(0);
  expect(droppedThen).toBeGreaterThan(many / 2);
  expect(kept).toBe(many - droppedThen);
});

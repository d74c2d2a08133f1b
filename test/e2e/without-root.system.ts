import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLabProgram } from './support/lab-program.js';
import { processesIn, readMachineState, sandboxOf, untilGone } from './support/machine-state.js';
import { openUnprivileged, type Unprivileged } from './support/unprivileged.js';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * Becomes the lab as a user who is not root, in a user namespace that allows none below it. What is set in a user namespace
 * holds for that one only, so the machine stays as it is.
 */
const NO_USER_NAMESPACES = [
  ...['unshare', '--user', '--map-user=1000', '--keep-caps', 'sh', '-c'],
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"',
  'sh',
];
/** Becomes the lab as root of a user namespace, with nothing in /dev/net. */
const NO_TUN = [
  ...['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'],
  'mount -t tmpfs tmpfs /dev/net && exec "$@"',
  'sh',
];

const noLab = whyNoLab() ?? whyNoUserNamespaces();
beforeEach((context) => context.skip(noLab !== undefined, noLab));

describe('without root', () => {
  let somebody: Unprivileged | undefined;
  beforeAll(() => {
    if (noLab === undefined) somebody = openUnprivileged();
  });
  beforeEach((context) => context.skip(somebody?.whyNot !== undefined, somebody?.whyNot));
  afterAll(() => somebody?.close());

  it('the lab carries the same traffic', async () => {
    const before = readMachineState();
    const lab = startLabProgram(['--check', '--json', '--port', '0'], somebody?.start);
    const exit = await lab.exited;
    expect(exit, lab.output()).toEqual({ code: 0, signal: null });
    expect(lab.verdict()).toEqual({
      ok: true,
      edges: 3,
      inSync: 3,
      pingsSent: 160,
      pingsReceived: 160,
      transferMiB: 384,
      sha256Match: true,
      cleartextPackets: 0,
      espPackets: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(readMachineState()).toEqual(before);
  });

  it('a lab that is killed leaves nothing behind', async () => {
    const before = readMachineState();
    const lab = startLabProgram(['--port', '0'], somebody?.start);
    try {
      await lab.seen(/File 1 of/);
      const namespaces = sandboxOf(lab.pid);
      expect(namespaces?.user).not.toBe(readlinkSync('/proc/self/ns/user'));
      expect(processesIn(namespaces!)).not.toEqual([]);
      lab.kill('SIGKILL');
      await lab.exited;
      await untilGone(namespaces!);
    } finally {
      lab.kill('SIGKILL');
    }
    expect(readMachineState()).toEqual(before);
  });
});

describe('where the lab cannot run', () => {
  it.each([
    ['user namespaces are switched off', NO_USER_NAMESPACES, 'sudo sysctl -w user.max_user_namespaces=10000'],
    ['there is no TUN device', NO_TUN, 'modprobe tun'],
  ])('because %s, it says so and starts nothing', async (_why, through, repair) => {
    const before = readMachineState();
    const lab = startLabProgram(['--check', '--json'], { through });
    expect(await lab.exited).toEqual({ code: 1, signal: null });
    expect(lab.stderr().split('\n')).toContain(`    ${repair}`);
    expect(lab.stderr()).not.toContain('Network namespaces and links');
    expect(lab.verdict()).toMatchObject({ ok: false, edges: 0 });
    expect(readMachineState()).toEqual(before);
  });
});

function whyNoUserNamespaces(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--user', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `needs user namespaces: ${stderr.trim()}`;
}

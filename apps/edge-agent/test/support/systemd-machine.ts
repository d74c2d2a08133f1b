import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Why no systemd can be booted here; `undefined` when one can. */
export function systemdUnavailable(): string | undefined {
  if (!existsSync(SYSTEMD)) {
    return 'needs systemd, which is booted in namespaces of its own (Debian, Ubuntu: apt install --no-install-recommends systemd)';
  }
  try {
    const cgroup = makeCgroup('probe');
    rmdirSync(cgroup);
  } catch (error) {
    return `needs cgroup v2 where root may make cgroups: ${String(error)}`;
  }
  try {
    const overlay =
      'mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir a b c && mount -t overlay o -o lowerdir=/,upperdir=a,workdir=b c';
    execFileSync('unshare', ['--mount', '--pid', '--cgroup', '--uts', '--ipc', '--fork', 'sh', '-c', overlay], {
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return 'needs the right to make namespaces and to mount an overlay in them';
  }
}

/**
 * A machine that a real systemd runs, as process 1 of its own PID, mount, cgroup, UTS and IPC namespaces, in a network namespace
 * that is given. It has the programs of the machine below it, and /etc, /var and /dev of its own: no unit is there but what
 * `boot` needs and what a test installs. What is on its disk stays when its power is cut; `close` leaves nothing behind.
 */
export class SystemdMachine {
  readonly #disk: string;
  readonly #purpose: string;
  #cgroup: string | undefined;
  #power: { readonly pid: number; readonly off: Promise<unknown> } | undefined;
  #console: Socket | undefined;
  #lines: string[] = [];
  #waiting: (() => void)[] = [];

  /** A disk, with nothing on it but what systemd itself needs. */
  constructor(purpose: string) {
    this.#purpose = purpose;
    this.#disk = mkdtempSync(path.join(tmpdir(), `weft-${purpose}-`));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'weft-systemd', this.#disk]);
    for (const tree of ['upper', 'work', 'root']) mkdirSync(path.join(this.#disk, tree));
    for (const directory of DIRECTORIES) mkdirSync(this.file(directory), { recursive: true });
    for (const file of ['/etc/passwd', '/etc/group', '/etc/ld.so.cache']) copyFileSync(file, this.file(file));
    writeFileSync(this.file('/etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
    writeFileSync(this.file('/usr/local/bin/node'), '');
    symlinkSync('/run', this.file('/var/run'));
    for (const target of TARGETS) copyFileSync(`/lib/systemd/system/${target}.target`, this.unit(`${target}.target`));
    symlinkSync('multi-user.target', this.unit('default.target'));
    for (const [name, mode, major, minor] of DEVICES) {
      execFileSync('mknod', ['-m', mode, this.file(`/dev/${name}`), 'c', major, minor]);
    }
    execFileSync('mkfifo', [this.file(CONSOLE)]);
  }

  /** Where a file of the machine is for us, whether it runs or not; not below /tmp, /run, /proc and /sys. */
  file(name: string): string {
    const own = /^\/(etc|var|dev)\//.test(name);
    return path.join(this.#disk, own ? '' : 'upper', name);
  }

  unit(name: string): string {
    return this.file(`/etc/systemd/system/${name}`);
  }

  /** Switches it on. @returns when systemd runs; what it starts may not be there yet. */
  async boot(networkNamespace: string): Promise<void> {
    const before = this.lineCount;
    const cgroup = makeCgroup(this.#purpose);
    this.#cgroup = cgroup;
    this.#listen();
    const program = [BOOT_SCRIPT, this.#disk, cgroup, CHECKOUT, process.execPath];
    const unshare = ['unshare', '--pid', '--fork', '--kill-child=KILL', 'sh', ...program];
    // Should this process be killed, the machine ends with it.
    const args = ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${networkNamespace}`, ...unshare];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const complaints = text(child.stderr);
    const off = once(child, 'exit').then(() => {
      this.#power = undefined;
      this.#wake();
    });
    const pid = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), off]);
    if (pid !== undefined) this.#power = { pid: Number(pid[0]), off };
    try {
      await this.said(/Queued start job for default target/, before);
    } catch (error) {
      throw new Error(`systemd did not start: ${await complaints}`, { cause: error });
    }
  }

  /** Cuts its power: nothing in it gets to end in order. */
  async cutPower(): Promise<void> {
    if (this.#power !== undefined) {
      const { pid, off } = this.#power;
      process.kill(pid, 'SIGKILL');
      await off;
    }
    if (this.#console !== undefined) await once(this.#console.destroy(), 'close');
    this.#console = undefined;
    if (this.#cgroup !== undefined) removeCgroup(this.#cgroup);
    this.#cgroup = undefined;
  }

  /** Runs a program on it to its end. @returns what it printed. Throws when it fails, or does not end. */
  run(program: string, ...args: readonly string[]): string {
    return execFileSync('nsenter', this.#within(program, args), { ...RUN_OPTIONS, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The same. @returns what it printed and complained of, whether it fails or not. */
  attempt(program: string, ...args: readonly string[]): string {
    const { stdout, stderr } = spawnSync('nsenter', this.#within(program, args), RUN_OPTIONS);
    return stdout + stderr;
  }

  /** Runs a program to its end while other things go on. Rejects when it fails. */
  async runBeside(program: string, ...args: readonly string[]): Promise<void> {
    await promisify(execFile)('nsenter', this.#within(program, args));
  }

  /** What systemd knows about a unit (`systemctl show`). */
  properties(unit: string): Readonly<Record<string, string>> {
    const lines = this.run('systemctl', 'show', unit).trim().split('\n');
    return Object.fromEntries(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]));
  }

  /** So many lines has it written to its console since it was made. */
  get lineCount(): number {
    return this.#lines.length;
  }

  /** The first line on its console that is so, of those behind `from`. Rejects when the machine ends without. */
  async said(line: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.#lines.slice(from).find((each) => line.test(each));
      if (found !== undefined) return found;
      if (this.#power === undefined) throw new Error(`the machine is off: ${this.#lines.slice(-10).join('\n')}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ends it and removes its disk. */
  async close(): Promise<void> {
    try {
      await this.cutPower();
    } finally {
      execFileSync('umount', [this.#disk]);
      rmdirSync(this.#disk);
    }
  }

  #within(program: string, args: readonly string[]): string[] {
    if (this.#power === undefined) throw new Error('the machine is off');
    return ['--all', '--target', `${this.#power.pid}`, '--', program, ...args];
  }

  /** Both ends of the console are open here, so that it does not end with a writer. */
  #listen(): void {
    const fd = openSync(this.file(CONSOLE), constants.O_RDWR | constants.O_NONBLOCK);
    const socket = new Socket({ fd, readable: true, writable: false });
    this.#console = socket;
    createInterface({ input: socket }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** What systemd and whatever it starts write to, line by line. */
export const CONSOLE = '/dev/kmsg';

/** In the cgroup of this process. @returns its directory. */
function makeCgroup(purpose: string): string {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '));
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const mountPoint = mount?.split(' ')[4];
  if (mountPoint === undefined || own === undefined) throw new Error('none is mounted');
  const directory = path.join(mountPoint, own, `weft-${purpose}-${process.pid}`);
  mkdirSync(directory);
  return directory;
}

/** With those in it; nobody is in any. */
function removeCgroup(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(path.join(directory, entry.name));
  }
  rmdirSync(directory);
}

/** As of programs in a namespace: who waits like this is not reached by the time limits of the runner. */
const RUN_OPTIONS = { encoding: 'utf8', timeout: 150_000, killSignal: 'SIGKILL' } as const;
const SYSTEMD = '/lib/systemd/systemd';
const BOOT_SCRIPT = fileURLToPath(new URL('systemd-boot.sh', import.meta.url));
const CHECKOUT = fileURLToPath(new URL('../../../../', import.meta.url));
const DIRECTORIES = [
  '/etc/systemd/system',
  '/var/lib',
  '/var/tmp',
  '/dev/net',
  '/home',
  '/root',
  '/opt/weft',
  '/usr/bin',
  '/usr/local/bin',
  '/usr/local/sbin',
];
/** What units depend on by themselves, or name. */
const TARGETS = [
  'sysinit',
  'basic',
  'multi-user',
  'local-fs',
  'network-pre',
  'network',
  'network-online',
  'paths',
  'slices',
  'sockets',
  'timers',
  'shutdown',
  'umount',
  'rescue',
  'emergency',
];
const DEVICES = [
  ['null', '0666', '1', '3'],
  ['zero', '0666', '1', '5'],
  ['full', '0666', '1', '7'],
  ['random', '0666', '1', '8'],
  ['urandom', '0666', '1', '9'],
  ['tty', '0666', '5', '0'],
  ['net/tun', '0666', '10', '200'],
] as const;

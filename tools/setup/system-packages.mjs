// Programs that come with the system, from Debian's or Ubuntu's packages.
import fs from 'node:fs';
import { programExists, runQuietly } from './commands.mjs';
import { say } from './phase-line.mjs';

/**
 * The machine that is set up.
 * @typedef {object} Machine
 * @property {(program: string) => boolean} has
 * @property {boolean} isRoot
 * @property {(args: readonly string[], milliseconds?: number) => Promise<{ code: number, output: string }>} aptGet runs apt-get without questions
 * @property {() => Promise<{ uri: string, keyring: string } | undefined>} debianMirror where it has Debian from, as far as apt-get knows by now
 * @property {(archive: string, folder: string) => Promise<{ code: number, output: string }>} unpack a Debian archive
 * @property {() => boolean} usesStrongSwan whether strongSwan is installed and may read a configuration of ours
 */

/** What it is set up for. @typedef {'lab' | 'interop' | 'test'} Purpose */

/** @type {Machine} */
export const thisMachine = {
  has: programExists,
  isRoot: process.getuid?.() === 0,
  aptGet: (args, milliseconds) =>
    runQuietly('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, milliseconds }),
  debianMirror,
  unpack: (archive, folder) => runQuietly('dpkg-deb', ['-x', archive, folder]),
  usesStrongSwan: () =>
    fs.existsSync('/usr/lib/ipsec/charon') &&
    fs.existsSync('/usr/sbin/swanctl') &&
    !isConfined('/usr/lib/ipsec/charon'),
};

/** @returns {Promise<{ uri: string, keyring: string } | undefined>} */
async function debianMirror() {
  const format = '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)';
  const { code, output } = await runQuietly('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const uri = code === 0 ? debianAmong(output) : undefined;
  return uri !== undefined && fs.existsSync(DEBIAN_KEYRING) ? { uri, keyring: DEBIAN_KEYRING } : undefined;
}

/**
 * @param {string} targets a line each: origin, label, component, URI of the repository
 * @returns {string | undefined} that of Debian itself; its security updates have another label
 */
export function debianAmong(targets) {
  return /^Debian Debian main (\S+)$/m.exec(targets)?.[1];
}

/**
 * Whether AppArmor has a profile for a program.
 * @param {string} program
 */
function isConfined(program) {
  try {
    return fs.readFileSync('/sys/kernel/security/apparmor/profiles', 'utf8').includes(program);
  } catch {
    // There is no AppArmor, or nobody but root may ask.
    return false;
  }
}

/**
 * Installs what is missing when this is root on a system with apt; otherwise says which line to type.
 * @param {Purpose} purpose
 * @param {Machine} machine
 * @returns {Promise<{ ok: boolean, text: string }>} not ok: the purpose cannot be served
 */
export async function installSystemPackages(purpose, machine) {
  const missing = PROGRAMS.filter(({ program, purposes }) => purposes.includes(purpose) && !machine.has(program));
  if (missing.length === 0) return { ok: true, text: 'all there' };
  const names = missing.map(({ program }) => program).join(', ');
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  // Tests that lack a program are skipped and say so; a lab that lacks one is no lab.
  const ok = purpose !== 'lab';
  if (!machine.has('apt-get')) {
    return { ok, text: `missing ${names}; this system has no apt-get, install them its own way` };
  }
  if (!machine.isRoot) return { ok, text: `missing ${names}; install with: sudo ${line}` };
  say(`Installing ${packages.join(', ')} with apt-get.`);
  const failure = await aptInstall(machine, packages);
  if (failure === undefined) return { ok: true, text: `installed ${packages.join(', ')}` };
  return { ok, text: `could not install ${names} (${line}):\n${failure}` };
}

/**
 * A machine that has never run `apt-get update` knows no packages: then, and only then, it is run.
 * @param {Machine} machine
 * @param {readonly string[]} packages
 * @returns {Promise<string | undefined>} what apt-get said when it failed
 */
async function aptInstall(machine, packages) {
  const install = (/** @type {readonly string[]} */ some) =>
    machine.aptGet(['install', '-y', '-q', '--no-install-recommends', ...some]);
  if ((await install(packages)).code === 0) return undefined;
  const update = await machine.aptGet(['update', '-y', '-q']);
  if (update.code !== 0) return update.output.trim();
  if ((await install(packages)).code === 0) return undefined;
  // One package that a distribution lacks must not keep the others away.
  const failed = [];
  for (const each of packages) {
    const alone = await install([each]);
    if (alone.code !== 0) failed.push(alone.output.trim());
  }
  return failed.length === 0 ? undefined : failed.join('\n');
}

/** Of the package debian-archive-keyring, which every Debian has. */
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PROGRAMS = [
  { program: 'ip', debianPackage: 'iproute2', purposes: ['lab', 'interop', 'test'] },
  { program: 'unshare', debianPackage: 'util-linux', purposes: ['lab', 'interop', 'test'] },
  { program: 'nsenter', debianPackage: 'util-linux', purposes: ['lab', 'interop', 'test'] },
  { program: 'setpriv', debianPackage: 'util-linux', purposes: ['lab', 'interop', 'test'] },
  { program: 'mount', debianPackage: 'mount', purposes: ['lab', 'interop', 'test'] },
  { program: 'ping', debianPackage: 'iputils-ping', purposes: ['lab', 'interop', 'test'] },
  { program: 'git', debianPackage: 'git', purposes: ['test'] },
  { program: 'nft', debianPackage: 'nftables', purposes: ['lab', 'interop', 'test'] },
  // Not what the machine is started by: that would be systemd-sysv. Tests boot it in namespaces.
  { program: 'systemctl', debianPackage: 'systemd', purposes: ['test'] },
  // Its service starts when it has a configuration, and it comes with none.
  { program: 'keepalived', debianPackage: 'keepalived', purposes: ['test'] },
  { program: 'chromium', debianPackage: 'chromium', purposes: ['test'] },
];

// Programs that come with the system, from Debian's or Ubuntu's packages.
import { programExists, runQuietly } from './commands.mjs';
import { say } from './phase-line.mjs';

/** `optional`: without it some tests are skipped, and say so; everything else runs. */
const PROGRAMS = [
  { program: 'ip', debianPackage: 'iproute2', purposes: ['lab', 'test'] },
  { program: 'unshare', debianPackage: 'util-linux', purposes: ['lab', 'test'] },
  { program: 'nsenter', debianPackage: 'util-linux', purposes: ['lab', 'test'] },
  { program: 'setpriv', debianPackage: 'util-linux', purposes: ['lab', 'test'] },
  { program: 'mount', debianPackage: 'mount', purposes: ['lab', 'test'] },
  { program: 'ping', debianPackage: 'iputils-ping', purposes: ['lab', 'test'] },
  { program: 'nft', debianPackage: 'nftables', purposes: ['test'], optional: true },
  { program: 'chromium', debianPackage: 'chromium', purposes: ['test'], optional: true },
];

/** Installs what is missing when this is root on a system with apt; otherwise says which line to type. */
export async function installSystemPackages(purpose) {
  const missing = PROGRAMS.filter(({ program, purposes }) => purposes.includes(purpose) && !programExists(program));
  if (missing.length === 0) return { ok: true, text: 'all there' };
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const required = purpose === 'lab' && missing.some(({ optional }) => !optional);
  if (!programExists('apt-get')) {
    return { ok: !required, text: `missing ${names(missing)}; this system has no apt-get, install them its own way` };
  }
  if (process.getuid?.() !== 0) {
    return { ok: !required, text: `missing ${names(missing)}; install with: sudo ${line}` };
  }
  say(`Installing ${packages.join(', ')} with apt-get.`);
  const failure = await aptInstall(packages);
  if (failure === undefined) return { ok: true, text: `installed ${packages.join(', ')}` };
  return { ok: !required, text: `could not install ${names(missing)} (${line}):\n${failure}` };
}

/** A machine that has never run `apt-get update` knows no packages: then, and only then, it is run. */
async function aptInstall(packages) {
  const first = await apt(['install', ...packages]);
  if (first.code === 0) return undefined;
  const update = await apt(['update']);
  if (update.code !== 0) return update.output.trim();
  const second = await apt(['install', ...packages]);
  if (second.code === 0) return undefined;
  // One package that a distribution lacks must not keep the others away.
  const failed = [];
  for (const each of packages) {
    const alone = await apt(['install', each]);
    if (alone.code !== 0) failed.push(alone.output.trim());
  }
  return failed.length === 0 ? undefined : failed.join('\n');
}

function apt([verb, ...packages]) {
  return runQuietly(
    'apt-get',
    [verb, '-y', '-q', ...(verb === 'install' ? ['--no-install-recommends'] : []), ...packages],
    {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  );
}

function names(missing) {
  return missing.map(({ program }) => program).join(', ');
}

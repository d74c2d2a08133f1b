import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Something this machine lacks for the lab, and what to do about it. */
export interface MissingRequirement {
  readonly what: string;
  readonly remedy: string;
}

/** What the lab runs, and the Debian or Ubuntu package that has it. */
export const LAB_PROGRAMS: readonly { readonly program: string; readonly debianPackage: string }[] = [
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'mount', debianPackage: 'mount' },
  { program: 'ping', debianPackage: 'iputils-ping' },
  { program: 'bash', debianPackage: 'bash' },
];

/** Looks before anything is started, so that the answer is a sentence and not a failed system call. */
export function missingRequirements(isRoot: boolean): readonly MissingRequirement[] {
  return [...missingPrograms(), ...missingTun(isRoot), ...(isRoot ? [] : missingUserNamespaces())];
}

/** One line per missing thing, for a person. */
export function describeMissing(missing: readonly MissingRequirement[]): string {
  return missing.map(({ what, remedy }) => `${what} ${remedy}`).join('\n');
}

/** The lab needs a PATH with the sbin directories, which users of a desktop often lack. */
export function searchPath(): string {
  const given = (process.env['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  return [...new Set([...given, '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].join(delimiter);
}

function missingPrograms(): readonly MissingRequirement[] {
  const directories = searchPath().split(delimiter);
  const absent = LAB_PROGRAMS.filter(({ program }) => !directories.some((each) => existsSync(join(each, program))));
  if (absent.length === 0) return [];
  const packages = [...new Set(absent.map((each) => each.debianPackage))].join(' ');
  return [
    {
      what: `Missing: ${absent.map((each) => each.program).join(', ')}.`,
      remedy: `Install with: sudo apt-get install -y --no-install-recommends ${packages}`,
    },
  ];
}

function missingTun(isRoot: boolean): readonly MissingRequirement[] {
  if (!existsSync(TUN_DEVICE)) {
    return [
      {
        what: `${TUN_DEVICE} does not exist: the edges need it.`,
        remedy: 'Load the module with: sudo modprobe tun (in a container: start it with --device /dev/net/tun)',
      },
    ];
  }
  try {
    accessSync(TUN_DEVICE, constants.R_OK | constants.W_OK);
    return [];
  } catch {
    return [
      {
        what: `${TUN_DEVICE} cannot be opened for reading and writing by this user.`,
        remedy: isRoot
          ? 'This container forbids it: start it with --device /dev/net/tun --cap-add NET_ADMIN'
          : `Allow it with: sudo chmod 0666 ${TUN_DEVICE} (the mode it has on Debian and Ubuntu), or run the lab as root`,
      },
    ];
  }
}

/** Debian's, Ubuntu's and the kernel's own switch for namespaces made by users. */
function missingUserNamespaces(): readonly MissingRequirement[] {
  return USER_NAMESPACE_SWITCHES.filter(({ path, forbids }) => forbids(settingOf(path))).map(({ path, allow }) => ({
    what: `This machine forbids user namespaces to users (${path} is ${settingOf(path)}).`,
    remedy: `Allow them with: sudo sysctl -w ${allow}, or run the lab as root`,
  }));
}

function settingOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

const TUN_DEVICE = '/dev/net/tun';
const USER_NAMESPACE_SWITCHES = [
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value: string | undefined) => value === '0',
    allow: 'kernel.unprivileged_userns_clone=1',
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value: string | undefined) => value !== undefined && value !== '0',
    allow: 'kernel.apparmor_restrict_unprivileged_userns=0',
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value: string | undefined) => value === '0',
    allow: 'user.max_user_namespaces=10000',
  },
];

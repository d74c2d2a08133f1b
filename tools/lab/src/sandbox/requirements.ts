import type { Machine, ProbeStage } from './machine.js';

/** Something this machine lacks for the lab. */
export interface MissingRequirement {
  /** What is missing and what for, a sentence. */
  readonly what: string;
  /** The line to type that repairs it; undefined when it is no line. */
  readonly repair: string | undefined;
  /** What else would do, a sentence. */
  readonly otherwise: string | undefined;
}

/** What the lab runs, and the Debian or Ubuntu package that has it. */
export const LAB_PROGRAMS: readonly { readonly program: string; readonly debianPackage: string }[] = [
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'nft', debianPackage: 'nftables' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'mount', debianPackage: 'mount' },
  { program: 'ping', debianPackage: 'iputils-ping' },
  { program: 'bash', debianPackage: 'bash' },
];

/** Looks before anything is started, so that the answer is a sentence and not a failed system call. */
export function missingRequirements(machine: Machine): readonly MissingRequirement[] {
  const missing = [...missingPrograms(machine), ...missingTun(machine), ...missingIpv6(machine)];
  // What the programs are needed for cannot be tried without them, nor a device that is known to be closed.
  return missing.length > 0 ? missing : missingNamespaces(machine);
}

/** Each thing with the line that repairs it, for a person. */
export function describeMissing(missing: readonly MissingRequirement[]): string {
  return missing
    .map(({ what, repair, otherwise }) => {
      const line = repair === undefined ? [] : [`    ${repair}`];
      return [what, ...line, ...(otherwise === undefined ? [] : [otherwise])].join('\n');
    })
    .join('\n\n');
}

function missingPrograms({ isRoot, hasProgram }: Machine): readonly MissingRequirement[] {
  const absent = LAB_PROGRAMS.filter(({ program }) => !hasProgram(program));
  if (absent.length === 0) return [];
  const packages = [...new Set(absent.map((each) => each.debianPackage))].join(' ');
  return [
    {
      what: `These programs are not installed: ${absent.map((each) => each.program).join(', ')}. On Debian and Ubuntu:`,
      repair: asRoot(isRoot, `apt-get install -y --no-install-recommends ${packages}`),
      otherwise: undefined,
    },
  ];
}

function missingTun({ isRoot, tunDevice }: Machine): readonly MissingRequirement[] {
  switch (tunDevice) {
    case 'usable':
      return [];
    case 'absent':
      return [
        {
          what: '/dev/net/tun does not exist. The edges make their TUN devices with it; load its module:',
          repair: asRoot(isRoot, 'modprobe tun'),
          otherwise: `In a container, start the container with --device /dev/net/tun.`,
        },
      ];
    case 'closed':
      return [
        {
          what: '/dev/net/tun cannot be opened for reading and writing. Give it the mode it has on Debian and Ubuntu:',
          repair: asRoot(isRoot, 'chmod 0666 /dev/net/tun'),
          otherwise: 'In a container, start the container with --device /dev/net/tun.',
        },
      ];
  }
}

function missingIpv6({ hasIpv6 }: Machine): readonly MissingRequirement[] {
  if (hasIpv6) return [];
  return [
    {
      what: 'The kernel has IPv6 switched off, and the lab has a site that is IPv6 inside.',
      repair: undefined,
      otherwise: 'Remove ipv6.disable=1 from the kernel command line and boot again.',
    },
  ];
}

/** The switch that forbids it, when one does; otherwise what the kernel answered, and at what. */
function missingNamespaces({ isRoot, setting, probe }: Machine): readonly MissingRequirement[] {
  const result = probe();
  if (result.ok) return [];
  const forbidding = SWITCHES.filter(({ path, forbids, root }) => (root || !isRoot) && forbids(setting(path)));
  if (forbidding.length > 0) {
    return forbidding.map(({ path, allow, says }) => ({
      what: `${isRoot ? 'Nobody' : 'Only root'} may make namespaces on this machine: ${says(path, setting(path))}. Allow it until the next boot:`,
      repair: asRoot(isRoot, allow),
      otherwise: isRoot ? undefined : AS_ROOT,
    }));
  }
  return [
    {
      what: `${STAGE_FAILURES[result.stage]}: ${result.said}`,
      repair: undefined,
      otherwise: isRoot
        ? 'In a container, start the container with --privileged; otherwise root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN.'
        : `In a container, start the container with --privileged. ${AS_ROOT}`,
    },
  ];
}

function asRoot(isRoot: boolean, line: string): string {
  return isRoot ? line : `sudo ${line}`;
}

const AS_ROOT = 'Or run the lab as root, which needs no user namespace.';

const STAGE_FAILURES: Readonly<Record<ProbeStage, string>> = {
  namespaces: 'The private namespaces of the lab cannot be made',
  mounts: 'Nothing can be mounted in a private mount namespace',
  links: 'Network namespaces with links between them cannot be made',
  settings: 'Forwarding cannot be switched on in a private network namespace',
  tun: 'A TUN device cannot be made in a private network namespace',
};

interface Switch {
  readonly path: string;
  readonly forbids: (value: string | undefined) => boolean;
  readonly says: (path: string, value: string | undefined) => string;
  readonly allow: string;
  /** It forbids root too. */
  readonly root: boolean;
}

const isValue = (path: string, value: string | undefined) => `${path} is ${value}`;

/** Debian's, Ubuntu's and the kernel's own; several may forbid at once. */
const SWITCHES: readonly Switch[] = [
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value) => value === '0',
    says: isValue,
    allow: 'sysctl -w kernel.unprivileged_userns_clone=1',
    root: false,
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value) => value !== undefined && value !== '0',
    says: isValue,
    allow: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    root: false,
  },
  {
    // Ubuntu 25.04 and newer: takes every capability from what unshare(1) starts in a user namespace.
    path: '/etc/apparmor.d/unshare-userns-restrict',
    forbids: (value) => value !== undefined,
    says: (path) => `the AppArmor profile ${path} is there`,
    allow: 'apparmor_parser --remove /etc/apparmor.d/unshare-userns-restrict',
    root: false,
  },
  ...(['user', 'net', 'mnt', 'pid', 'ipc'] as const).map((kind) => ({
    path: `/proc/sys/user/max_${kind}_namespaces`,
    forbids: (value: string | undefined) => value === '0',
    says: isValue,
    allow: `sysctl -w user.max_${kind}_namespaces=10000`,
    root: kind !== 'user',
  })),
];

import { describe, expect, it } from 'vitest';
import type { Machine, ProbeStage } from './machine.js';
import { describeMissing, missingRequirements } from './requirements.js';

const works: Machine = {
  isRoot: false,
  tunDevice: 'usable',
  hasIpv6: true,
  hasProgram: () => true,
  setting: () => undefined,
  probe: () => ({ ok: true }),
};
const refuses = (stage: ProbeStage, said = 'Operation not permitted') => ({
  probe: () => ({ ok: false, stage, said }) as const,
});
const settings = (values: Readonly<Record<string, string>>) => ({ setting: (path: string) => values[path] });
const neverProbed = {
  probe: () => {
    throw new Error('must not be tried');
  },
};

describe('what the lab needs of a machine', () => {
  it.each([true, false])('is nothing more when everything works (root: %s)', (isRoot) => {
    expect(missingRequirements({ ...works, isRoot })).toEqual([]);
  });

  it('is not what a switch says, but what happens', () => {
    const restricted = settings({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' });
    expect(missingRequirements({ ...works, ...restricted })).toEqual([]);
  });

  it.each<[string, Partial<Machine>, RegExp, string | undefined]>([
    [
      'no programs',
      { ...neverProbed, hasProgram: (name) => name !== 'ip' && name !== 'unshare' && name !== 'nsenter' },
      /not installed: ip, unshare, nsenter\./,
      'sudo apt-get install -y --no-install-recommends iproute2 util-linux',
    ],
    ['no TUN module', { ...neverProbed, tunDevice: 'absent' }, /\/dev\/net\/tun does not exist/, 'sudo modprobe tun'],
    [
      'a TUN device for root only',
      { ...neverProbed, tunDevice: 'closed' },
      /\/dev\/net\/tun cannot be opened/,
      'sudo chmod 0666 /dev/net/tun',
    ],
    ['no IPv6', { ...neverProbed, hasIpv6: false }, /IPv6 switched off/, undefined],
    [
      'user namespaces switched off',
      { ...refuses('namespaces'), ...settings({ '/proc/sys/user/max_user_namespaces': '0' }) },
      /max_user_namespaces is 0/,
      'sudo sysctl -w user.max_user_namespaces=10000',
    ],
    [
      "Debian's switch",
      { ...refuses('namespaces'), ...settings({ '/proc/sys/kernel/unprivileged_userns_clone': '0' }) },
      /unprivileged_userns_clone is 0/,
      'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    ],
    [
      'AppArmor as in Ubuntu 24.04',
      { ...refuses('namespaces'), ...settings({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' }) },
      /apparmor_restrict_unprivileged_userns is 1/,
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
    [
      'AppArmor as in Ubuntu 25.04',
      { ...refuses('mounts'), ...settings({ '/etc/apparmor.d/unshare-userns-restrict': 'profile unshare …' }) },
      /profile \/etc\/apparmor.d\/unshare-userns-restrict is there/,
      'sudo apparmor_parser --remove /etc/apparmor.d/unshare-userns-restrict',
    ],
    [
      'something unheard of',
      refuses('links', 'RTNETLINK answers: Operation not supported'),
      /links between them cannot be made: RTNETLINK answers: Operation not supported/,
      undefined,
    ],
  ])('is named for a user with %s', (_name, machine, what, repair) => {
    const missing = missingRequirements({ ...works, ...machine });
    expect(missing).toMatchObject([{ what: expect.stringMatching(what), repair }]);
  });

  it('is everything that forbids, not the first of it', () => {
    const ubuntu = settings({
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1',
      '/etc/apparmor.d/unshare-userns-restrict': 'profile unshare …',
    });
    expect(missingRequirements({ ...works, ...refuses('namespaces'), ...ubuntu })).toHaveLength(2);
    const bare = { tunDevice: 'absent', hasProgram: () => false } as const;
    expect(missingRequirements({ ...works, ...neverProbed, ...bare })).toHaveLength(2);
  });

  it('does not send root to sudo, nor to switches that do not concern it', () => {
    const root = { ...works, isRoot: true };
    expect(missingRequirements({ ...root, tunDevice: 'absent' })).toMatchObject([{ repair: 'modprobe tun' }]);
    const users = settings({ '/proc/sys/user/max_user_namespaces': '0' });
    expect(missingRequirements({ ...root, ...refuses('namespaces'), ...users })).toMatchObject([
      { what: expect.stringMatching(/cannot be made: Operation not permitted/), repair: undefined },
    ]);
    const networks = settings({ '/proc/sys/user/max_net_namespaces': '0' });
    expect(missingRequirements({ ...root, ...refuses('namespaces'), ...networks })).toMatchObject([
      { repair: 'sysctl -w user.max_net_namespaces=10000' },
    ]);
  });

  it('reads as sentences with a line to type under each', () => {
    const bare = { tunDevice: 'absent', hasProgram: (name: string) => name !== 'ping' } as const;
    expect(describeMissing(missingRequirements({ ...works, ...bare }))).toBe(
      [
        'These programs are not installed: ping. On Debian and Ubuntu:',
        '    sudo apt-get install -y --no-install-recommends iputils-ping',
        '',
        '/dev/net/tun does not exist. The edges make their TUN devices with it; load its module:',
        '    sudo modprobe tun',
        'In a container, start the container with --device /dev/net/tun.',
      ].join('\n'),
    );
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { debianAmong, installSystemPackages, type Machine } from './system-packages.mjs';

const LAB_PROGRAMS = ['ip', 'unshare', 'nsenter', 'setpriv', 'mount', 'ping'];
const ALL_PROGRAMS = [...LAB_PROGRAMS, 'git', 'nft', 'systemctl', 'keepalived', 'chromium'];

let written: string[];
beforeEach(() => {
  written = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

interface FakeMachine extends Machine {
  /** The command lines of apt-get, in order. */
  readonly calls: string[];
}

/** A Debian machine with some programs, where apt-get answers as the test says. */
function machineWith(
  programs: readonly string[],
  { isRoot = true, answer = () => '' }: { isRoot?: boolean; answer?: (call: string, index: number) => string } = {},
): FakeMachine {
  const calls: string[] = [];
  return {
    calls,
    isRoot,
    has: (program) => programs.includes(program),
    usesStrongSwan: () => false,
    unpack: () => Promise.reject(new Error('not expected')),
    debianMirror: () => Promise.reject(new Error('not expected')),
    aptGet: async (args) => {
      calls.push(args.join(' '));
      const output = answer(args.join(' '), calls.length - 1);
      return { code: output === '' ? 0 : 100, output };
    },
  };
}

const without = (...names: readonly string[]) => [...ALL_PROGRAMS, 'apt-get'].filter((name) => !names.includes(name));
const INSTALL = 'install -y -q --no-install-recommends';

describe('system packages', () => {
  it.each(['lab', 'interop', 'test'] as const)(
    'asks for nothing when all are there, whoever it is: %s',
    async (purpose) => {
      for (const isRoot of [true, false]) {
        const machine = machineWith(ALL_PROGRAMS, { isRoot });
        expect(await installSystemPackages(purpose, machine)).toEqual({ ok: true, text: 'all there' });
        expect(machine.calls).toEqual([]);
      }
      expect(written).toEqual([]);
    },
  );

  it('prints the exact line to type when it is not root: the lab needs it, the tests go on without', async () => {
    const machine = machineWith(without('ip', 'nsenter', 'unshare'), { isRoot: false });
    const text =
      'missing ip, unshare, nsenter; install with: ' +
      'sudo apt-get install -y --no-install-recommends iproute2 util-linux';
    expect(await installSystemPackages('lab', machine)).toEqual({ ok: false, text });
    expect(await installSystemPackages('test', machine)).toEqual({ ok: true, text });
    expect(machine.calls).toEqual([]);
  });

  it('names the programs when there is no apt-get', async () => {
    const machine = machineWith(without('ping', 'apt-get'));
    expect(await installSystemPackages('lab', machine)).toEqual({
      ok: false,
      text: 'missing ping; this system has no apt-get, install them its own way',
    });
    expect(machine.calls).toEqual([]);
  });

  it('does not install for the lab what only tests use', async () => {
    const machine = machineWith(without('chromium', 'git'));
    expect(await installSystemPackages('lab', machine)).toEqual({ ok: true, text: 'all there' });
  });

  it('installs with apt-get when it is root, saying so, and asks no mirror for what apt knows already', async () => {
    const machine = machineWith(without('ping', 'chromium'));
    expect(await installSystemPackages('test', machine)).toEqual({
      ok: true,
      text: 'installed iputils-ping, chromium',
    });
    expect(machine.calls).toEqual([`${INSTALL} iputils-ping chromium`]);
    expect(written.join('')).toBe('Installing iputils-ping, chromium with apt-get.\n');
  });

  it('updates the lists when apt knows no packages, and only then', async () => {
    const machine = machineWith(without('ping'), {
      answer: (_, index) => (index === 0 ? 'E: Unable to locate package iputils-ping' : ''),
    });
    expect(await installSystemPackages('lab', machine)).toEqual({ ok: true, text: 'installed iputils-ping' });
    expect(machine.calls).toEqual([`${INSTALL} iputils-ping`, 'update -y -q', `${INSTALL} iputils-ping`]);
  });

  it('installs the others when a distribution lacks one', async () => {
    const machine = machineWith(without('ping', 'chromium'), {
      answer: (call) => (call.includes('chromium') ? "E: Package 'chromium' has no installation candidate" : ''),
    });
    expect(await installSystemPackages('test', machine)).toEqual({
      ok: true,
      text:
        'could not install ping, chromium ' +
        '(apt-get install -y --no-install-recommends iputils-ping chromium):\n' +
        "E: Package 'chromium' has no installation candidate",
    });
    expect(machine.calls.slice(3)).toEqual([`${INSTALL} iputils-ping`, `${INSTALL} chromium`]);
  });

  it('says what apt-get said when the lists cannot be updated, and that the lab cannot be', async () => {
    const machine = machineWith(without('ip'), { answer: () => 'Could not resolve mirror.example.net' });
    expect(await installSystemPackages('lab', machine)).toEqual({
      ok: false,
      text:
        'could not install ip (apt-get install -y --no-install-recommends iproute2):\n' +
        'Could not resolve mirror.example.net',
    });
    expect(machine.calls).toEqual([`${INSTALL} iproute2`, 'update -y -q']);
  });
});

describe('the mirror of Debian', () => {
  it('is that of the system, and not that of something else', () => {
    const targets = [
      'Debian Debian-Security main http://security.example/debian-security/',
      'another another main https://another.example/apt/',
      'Debian Debian contrib http://contrib.example/debian/',
      'Debian Debian main http://ftp.example/debian/',
      'Debian Debian main http://second.example/debian/',
    ];
    expect(debianAmong(targets.join('\n'))).toBe('http://ftp.example/debian/');
    expect(debianAmong(targets.slice(0, 3).join('\n'))).toBeUndefined();
    expect(debianAmong('Ubuntu Ubuntu main http://ubuntu.example/ubuntu/')).toBeUndefined();
    expect(debianAmong('')).toBeUndefined();
  });
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Machine } from './system-packages.mjs';
import { unpackPackages } from './unpacked-packages.mjs';

const CONTENT = 'usr/lib/peer/daemon';
const PEER = { name: 'peer', folder: '.weft/peer', content: CONTENT, packages: ['peer-daemon', 'peer-tools'] };
const LATER = { ...PEER, release: 'forky', alone: true };
const MIRROR = { uri: 'https://mirror.example/debian/', keyring: '/usr/share/keyrings/example.gpg' };

let checkout: string;
let written: string[];
let calls: string[][];
beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'weft-unpacked-spec-'));
  written = [];
  calls = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(checkout, { recursive: true, force: true });
});

/** A Debian machine that has nothing of it: apt-get brings one archive, in which there is `content`. */
function machine(
  changes: Partial<Machine> & { readonly answers?: readonly string[]; readonly content?: string } = {},
): Machine {
  const { answers = [], content = CONTENT } = changes;
  return {
    has: () => true,
    isRoot: true,
    usesStrongSwan: () => false,
    debianMirror: async () => MIRROR,
    aptGet: async (args) => {
      const output = answers[calls.length] ?? '';
      calls.push([...args]);
      const archives = optionOf(args, 'Dir::Cache::archives');
      if (output === '' && archives !== undefined) writeFileSync(path.join(archives, 'peer.deb'), '');
      return { code: output === '' ? 0 : 100, output };
    },
    unpack: async (_archive, folder) => {
      mkdirSync(path.dirname(path.join(folder, content)), { recursive: true });
      writeFileSync(path.join(folder, content), '');
      return { code: 0, output: '' };
    },
    ...changes,
  };
}

const optionOf = (args: readonly string[], option: string) =>
  args.find((each) => each.startsWith(`${option}=`))?.slice(option.length + 1);
const text = async (its: Machine, wanted: Parameters<typeof unpackPackages>[0] = PEER) =>
  (await unpackPackages(wanted, checkout, its)).text;
const verbs = () => calls.map(([verb]) => verb);
const left = () => readdirSync(path.join(checkout, '.weft'));
const UNPACKED = 'unpacked in .weft/peer';

describe('packages that tests use', () => {
  it('are downloaded, unpacked in the checkout and not installed, saying so; the second time nothing is done', async () => {
    expect(await text(machine())).toBe(UNPACKED);
    expect(existsSync(path.join(checkout, '.weft/peer', CONTENT))).toBe(true);
    expect(left()).toEqual(['peer']);
    expect(written.join('')).toContain('nothing of it is installed or started');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toContain('--download-only');
    expect(calls[0]?.slice(-2)).toEqual(PEER.packages);
    expect(await text(machine())).toBe(UNPACKED);
    expect(calls).toHaveLength(1);
  });

  it('are unpacked anew where the last time ended in the middle, or left something else', async () => {
    for (const name of ['peer.apt/archives', 'peer.partial/usr', 'peer/usr/lib/older']) {
      mkdirSync(path.join(checkout, '.weft', name), { recursive: true });
    }
    expect(await text(machine())).toBe(UNPACKED);
    expect(readdirSync(path.join(checkout, '.weft/peer/usr/lib'))).toEqual(['peer']);
    expect(left()).toEqual(['peer']);
  });

  it('are those of the system where these serve, unless others are unpacked', async () => {
    const installed = { ...PEER, isInstalled: () => true };
    expect(await text(machine(), installed)).toBe('that of the system');
    expect(calls).toEqual([]);
    await text(machine());
    expect(await text(machine(), installed)).toBe(UNPACKED);
  });

  it('are left out without root, and without apt-get', async () => {
    expect(await text(machine({ isRoot: false }))).toBe('left out: the tests that use it need root');
    expect(await text(machine({ has: () => false }))).toMatch(/^left out: this system has no apt-get/);
    expect(calls).toEqual([]);
  });

  it('have the lists updated when apt-get knows none of them, and only then', async () => {
    expect(await text(machine({ answers: ['E: Unable to locate package peer-daemon'] }))).toBe(UNPACKED);
    expect(verbs()).toEqual(['install', 'update', 'install']);
  });

  it.each([
    ['the lists cannot be updated', machine({ answers: ['unknown', 'no mirror'] }), 'left out: no mirror'],
    ['there are no such packages', machine({ answers: ['unknown', '', 'still unknown'] }), 'left out: still unknown'],
    ['they are not what they were', machine({ content: 'usr/another' }), `left out: the packages have no ${CONTENT}`],
    [
      'an archive is broken',
      machine({ unpack: async () => ({ code: 2, output: 'not a Debian archive\n' }) }),
      'left out: not a Debian archive',
    ],
  ])('are left out, with the reason and without a trace, when %s', async (_, its, expected) => {
    expect(await unpackPackages(PEER, checkout, its)).toEqual({ ok: true, text: expected });
    expect(left()).toEqual([]);
  });
});

describe('packages of another release', () => {
  it('come from the mirror of the system by lists of their own, signed by Debian, with everything that they need', async () => {
    const seen: Record<string, string>[] = [];
    const its = machine({ answers: ['no lists'] });
    const aptGet: Machine['aptGet'] = (args) => {
      const files = ['Dir::Etc::SourceList', 'Dir::State::status'].map((option) => optionOf(args, option) ?? '');
      seen.push(Object.fromEntries(files.map((file) => [path.basename(file), readFileSync(file, 'utf8')])));
      return its.aptGet(args);
    };
    expect(await text({ ...its, aptGet }, LATER)).toBe(UNPACKED);
    expect(verbs()).toEqual(['install', 'update', 'install']);
    const sources = `deb [signed-by=${MIRROR.keyring}] ${MIRROR.uri} forky main\n`;
    for (const files of seen) expect(files).toEqual({ 'sources.list': sources, 'nothing-installed': '' });
    expect(seen).toHaveLength(3);
    for (const args of calls) {
      expect(optionOf(args, 'Dir::Etc::SourceParts')).toBe('/dev/null');
      expect(optionOf(args, 'Dir::State::Lists')).toBe(path.join(checkout, '.weft/peer.apt/lists'));
    }
    expect(left()).toEqual(['peer']);
  });

  it('come with what the system has not where they need not be alone', async () => {
    expect(await text(machine(), { ...LATER, alone: false })).toBe(UNPACKED);
    expect(optionOf(calls[0] ?? [], 'Dir::State::status')).toBeUndefined();
  });

  it('are left out on a system that is not Debian, and nothing is asked of apt-get', async () => {
    const its = machine({ debianMirror: async () => undefined });
    expect(await text(its, LATER)).toBe('left out: apt-get knows no mirror of Debian to have the release forky from');
    expect(calls).toEqual([]);
  });
});

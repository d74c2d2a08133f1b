import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STRONGSWAN_FOLDER, unpackStrongSwan } from './strongswan.mjs';
import type { Machine } from './system-packages.mjs';

let checkout: string;
let written: string[];
let calls: string[];
beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'weft-strongswan-spec-'));
  written = [];
  calls = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(checkout, { recursive: true, force: true });
});

/** A Debian machine without strongSwan: apt-get brings one archive, in which there is `content`. */
function machine(
  changes: Partial<Machine> & { readonly answers?: readonly string[]; readonly content?: string } = {},
): Machine {
  const { answers = [], content = 'usr/lib/ipsec/charon' } = changes;
  return {
    has: () => true,
    isRoot: true,
    usesStrongSwan: () => false,
    aptGet: async (args) => {
      const output = answers[calls.length] ?? '';
      calls.push(args.filter((each) => !each.startsWith('-')).join(' '));
      const archives = args.find((each) => each.startsWith('Dir::Cache::archives='))?.split('=')[1];
      if (output === '' && archives !== undefined) writeFileSync(path.join(archives, 'charon.deb'), '');
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

const text = async (its: Machine) => (await unpackStrongSwan(checkout, its)).text;
const UNPACKED = `unpacked in ${STRONGSWAN_FOLDER}`;
const left = () => readdirSync(path.join(checkout, '.weft'));

describe('strongSwan for the interop tests', () => {
  it('is downloaded, unpacked in the checkout and not installed, saying so; the second time nothing is done', async () => {
    expect(await text(machine())).toBe(UNPACKED);
    expect(existsSync(path.join(checkout, STRONGSWAN_FOLDER, 'usr/lib/ipsec/charon'))).toBe(true);
    expect(left()).toEqual(['strongswan']);
    expect(written.join('')).toContain('nothing of it is installed or started');
    expect(calls).toHaveLength(1);
    expect(await text(machine())).toBe(UNPACKED);
    expect(calls).toHaveLength(1);
  });

  it('asks apt-get for a download only', async () => {
    const asked: string[][] = [];
    const its = machine();
    await unpackStrongSwan(checkout, {
      ...its,
      aptGet: (args) => {
        asked.push([...args]);
        return its.aptGet(args);
      },
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('--download-only');
  });

  it('is that of the system where there is one that can be used', async () => {
    expect(await text(machine({ usesStrongSwan: () => true }))).toBe('that of the system');
    expect(calls).toEqual([]);
  });

  it('is left out without root, and without apt-get', async () => {
    expect(await text(machine({ isRoot: false }))).toBe('left out: the tests that use it need root');
    expect(await text(machine({ has: () => false }))).toMatch(/^left out: this system has no apt-get/);
    expect(calls).toEqual([]);
  });

  it('updates the lists when apt knows no packages, and only then', async () => {
    expect(await text(machine({ answers: ['E: Unable to locate package strongswan-charon'] }))).toBe(UNPACKED);
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['install', 'update', 'install']);
  });

  it.each([
    ['the lists cannot be updated', machine({ answers: ['unknown', 'no mirror'] }), 'left out: no mirror'],
    ['there are no such packages', machine({ answers: ['unknown', '', 'still unknown'] }), 'left out: still unknown'],
    [
      'they are not what they were',
      machine({ content: 'usr/lib/another' }),
      'left out: the packages have no usr/lib/ipsec/charon',
    ],
    [
      'an archive is broken',
      machine({ unpack: async () => ({ code: 2, output: 'not a Debian archive\n' }) }),
      'left out: not a Debian archive',
    ],
  ])('is left out, with the reason and without a trace, when %s', async (_, its, expected) => {
    expect(await unpackStrongSwan(checkout, its)).toEqual({ ok: true, text: expected });
    expect(left()).toEqual([]);
  });
});

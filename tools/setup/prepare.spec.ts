import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { prepare } from './prepare.mjs';
import type { Machine } from './system-packages.mjs';

let checkout: string;
let written: string[];
beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'weft-prepare-spec-'));
  written = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.stubEnv('PATH', `${path.join(checkout, 'bin')}:${process.env['PATH']}`);
  file('package-lock.json', JSON.stringify({ packages: { 'node_modules/nx': { version: '1.0.0' } } }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(checkout, { recursive: true, force: true });
});

const notExpected = () => Promise.reject(new Error('not expected'));
const MACHINE: Machine = {
  has: () => true,
  isRoot: false,
  aptGet: notExpected,
  unpack: notExpected,
  debianMirror: notExpected,
  usesStrongSwan: () => false,
};

/** What npm ci leaves behind here: a nx that says what nx says when everything is in its cache. */
const NX = `
  require('node:fs').appendFileSync('calls', 'nx ' + process.argv.slice(2).join(' ') + '\\n');
  console.log('Nx read the output from the cache instead of running the command for 4 out of 4 tasks.');
`;

/** @param ending shell lines before the end */
function fakeNpm(ending: string): void {
  file(
    'bin/npm',
    `#!/bin/sh
echo "npm $*" >> calls
${ending}
mkdir -p node_modules/.bin
cp package-lock.json node_modules/.package-lock.json
cp nx.js node_modules/.bin/nx
`,
  );
  chmodSync(path.join(checkout, 'bin/npm'), 0o755);
  file('nx.js', NX);
}

function file(name: string, content: string): void {
  const target = path.join(checkout, name);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
}

const calls = () => readFileSync(path.join(checkout, 'calls'), 'utf8').trimEnd().split('\n');
const told = () => {
  const lines = written.join('').trimEnd().split('\n');
  written.length = 0;
  return lines.map((line) => line.replace(/ \(\d+\.\d s\)$/, ''));
};

describe('the set-up of a checkout', () => {
  it('installs and builds the first time, and does nothing the second time', async () => {
    fakeNpm('');
    expect(await prepare({ purpose: 'lab', checkout, machine: MACHINE })).toBe(true);
    expect(told()).toEqual([
      'system packages  all there',
      'Installing npm packages: node_modules is missing or was not finished.',
      'npm packages     installed with npm ci',
      'build            4 of 4 projects unchanged',
    ]);
    const build =
      'nx run-many --target=build --projects=@weft/controller,@weft/edge-agent,@weft/web-console,@weft/lab,@weft/cli ' +
      '--output-style=static';
    expect(calls()).toEqual(['npm ci', build]);

    expect(await prepare({ purpose: 'lab', checkout, machine: MACHINE })).toBe(true);
    expect(told()).toEqual([
      'system packages  all there',
      'npm packages     as in package-lock.json',
      'build            4 of 4 projects unchanged',
    ]);
    expect(calls()).toEqual(['npm ci', build, build]);
  });

  it('stops where something fails, shows what the program said, and lets the next one in', async () => {
    fakeNpm('echo "npm error code ENOTFOUND" >&2; exit 1');
    expect(await prepare({ purpose: 'lab', checkout, machine: MACHINE })).toBe(false);
    expect(told().slice(2)).toEqual(['npm packages     npm ci failed:', 'npm error code ENOTFOUND']);
    expect(calls()).toEqual(['npm ci']);
    fakeNpm('');
    expect(await prepare({ purpose: 'lab', checkout, machine: MACHINE })).toBe(true);
  });

  it('shows what the compiler said', async () => {
    fakeNpm('');
    file('nx.js', `console.log("error TS2322: no"); process.exit(1);`);
    expect(await prepare({ purpose: 'test', checkout, machine: MACHINE })).toBe(false);
    expect(told().slice(1)).toEqual([
      'strongSwan       left out: the tests that use it need root',
      'strongSwan 6.1   left out: the tests that use it need root',
      'Libreswan        left out: the tests that use it need root',
      'scapy            left out: the tests that use it need root',
      'cryptography     left out: the tests that use it need root',
      'Installing npm packages: node_modules is missing or was not finished.',
      'npm packages     installed with npm ci',
      'build            failed:',
      'error TS2322: no',
    ]);
  });

  it('has the peers for the interop tests, which build nothing', async () => {
    fakeNpm('');
    expect(await prepare({ purpose: 'interop', checkout, machine: MACHINE })).toBe(true);
    const lines = told();
    expect(lines.slice(0, 2)).toEqual([
      'system packages  all there',
      'strongSwan       left out: the tests that use it need root',
    ]);
    expect(lines.at(-1)).toBe('npm packages     installed with npm ci');
    expect(calls()).toEqual(['npm ci']);
  });

  it('touches nothing when the lab lacks a program that only a person can install', async () => {
    fakeNpm('');
    const machine: Machine = { ...MACHINE, has: (program) => program !== 'ping' };
    expect(await prepare({ purpose: 'lab', checkout, machine })).toBe(false);
    expect(told()).toEqual([
      'system packages  missing ping; install with: sudo apt-get install -y --no-install-recommends iputils-ping',
    ]);
    expect(() => calls()).toThrow();
  });
});

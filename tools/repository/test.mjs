#!/usr/bin/env node
// `npm test`: every test that this machine can run, in the order of what they cost.
// usage: node tools/repository/test.mjs [--only SUITE,SUITE] [--list]
// Closes with what was skipped and what failed, each with its reason, and the line "N passed, N failed, N skipped".
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = (name) => path.join(root, 'node_modules/.bin', name);
const vitest = (config) => [
  bin('vitest'),
  'run',
  '--config',
  config,
  '--reporter=default',
  '--reporter=./tools/repository/tally-reporter.mjs',
];

/** `tally` says how a suite is counted: from the reporter's file, or from its last line "N passed, N failed[, N skipped]". */
const SUITES = {
  checks: {
    story: 'format, lint, boundaries, types, contracts',
    tally: 'line',
    run: [process.execPath, 'tools/repository/check.mjs', '--skip', 'unit'],
  },
  unit: { story: 'unit specs, beside their subject', tally: 'file', run: vitest('vitest.config.ts') },
  conformance: {
    story: 'published vectors through every crypto provider',
    tally: 'line',
    run: ['npm', 'run', '--silent', 'test:conformance'],
  },
  medium: {
    story: 'the controller against real Postgres and TLS',
    tally: 'file',
    run: vitest('vitest.medium.config.ts'),
  },
  system: {
    story: 'namespaces, TUN devices, the lab, the console in Chromium',
    tally: 'file',
    run: vitest('vitest.system.config.ts'),
  },
  interop: {
    story: 'IKEv2 and ESP with strongSwan, in namespaces',
    tally: 'file',
    run: ['npm', 'run', '--silent', 'test:interop'],
  },
  compose: {
    story: 'the fabric in containers, where a Docker engine answers',
    tally: 'file',
    run: vitest('vitest.compose.config.ts'),
  },
};

if (process.argv.includes('--list')) {
  for (const [name, suite] of Object.entries(SUITES)) console.log(`${name.padEnd(12)} ${suite.story}`);
  process.exit(0);
}
const only = process.argv.find((_, index) => process.argv[index - 1] === '--only')?.split(',');
const unknown = only?.filter((name) => !(name in SUITES)) ?? [];
if (unknown.length > 0) {
  console.error(`unknown suite ${unknown.join(', ')}; there are: ${Object.keys(SUITES).join(', ')}`);
  process.exit(2);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-test-'));
const total = { passed: 0, failed: [], skipped: [] };
const rows = [];
for (const [name, suite] of Object.entries(SUITES).filter(([key]) => !only || only.includes(key))) {
  console.log(`\n── ${name}: ${suite.story}`);
  const started = performance.now();
  const tally = await runSuite(name, suite);
  rows.push({ name, tally, seconds: (performance.now() - started) / 1000 });
  total.passed += tally.passed;
  for (const outcome of ['failed', 'skipped']) {
    total[outcome].push(...tally[outcome].map((test) => ({ suite: name, ...test })));
  }
}
fs.rmSync(scratch, { recursive: true, force: true });

console.log('\nsuite         passed  failed  skipped  seconds');
for (const { name, tally, seconds } of rows) {
  const cells = [tally.passed, tally.failed.length, tally.skipped.length].map((count, index) =>
    String(count).padStart([6, 6, 7][index]),
  );
  console.log(`${name.padEnd(12)}  ${cells.join('  ')}  ${seconds.toFixed(1).padStart(7)}`);
}
// The failed come last: whoever sees only the end of a long log sees them.
for (const outcome of ['skipped', 'failed']) {
  if (total[outcome].length > 0) console.log(`\n${outcome}:`);
  for (const { suite, name, why } of total[outcome]) console.log(`  ${suite}: ${name}: ${why}`);
}
console.log(`\n${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
process.exit(total.failed.length === 0 ? 0 : 1);

async function runSuite(name, suite) {
  const file = path.join(scratch, `${name}.json`);
  const { code, lastLine } = await runCommand(suite.run, { WEFT_TALLY: file });
  const tally = suite.tally === 'file' ? readTally(file) : parseTally(lastLine);
  // A run that died, or counted nothing, is a failure whatever it printed.
  if (!tally)
    return { passed: 0, failed: [{ name: 'the suite', why: `gave no result, exit code ${code}` }], skipped: [] };
  if (code !== 0 && tally.failed.length === 0) tally.failed.push({ name: 'the suite', why: `exit code ${code}` });
  return tally;
}

function runCommand([command, ...args], env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let tail = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-4096);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, lastLine: tail.trimEnd().split('\n').at(-1) ?? '' }));
  });
}

function readTally(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

function parseTally(line) {
  const match = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/.exec(line);
  if (!match) return undefined;
  const [failed, skipped] = [match[2], match[3] ?? 0].map((count) =>
    Array.from({ length: Number(count) }, () => ({ name: 'see above', why: 'said where it ran' })),
  );
  return { passed: Number(match[1]), failed, skipped };
}

#!/usr/bin/env node
// `npm test`: every test that this machine can run, in the order of what they cost.
// usage: node tools/repository/test.mjs [--only SUITE,SUITE] [--list]
// Closes with what was skipped and what failed, each with its reason, and the line "N passed, N failed, N skipped".
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBounded } from '../setup/bounded-command.mjs';

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

/**
 * `tally` says how a suite is counted: from the reporter's file, or from its last line "N passed, N failed[, N skipped]".
 * After so many `minutes` it hangs, and is ended: about twice what it takes on two processors, or more.
 */
const SUITES = {
  checks: {
    minutes: 10,
    story: 'format, lint, boundaries, types, contracts',
    tally: 'line',
    run: [process.execPath, 'tools/repository/check.mjs', '--skip', 'unit'],
  },
  unit: { minutes: 25, story: 'unit specs, beside their subject', tally: 'file', run: vitest('vitest.config.ts') },
  conformance: {
    minutes: 5,
    story: 'published vectors through every crypto provider',
    tally: 'line',
    run: ['npm', 'run', '--silent', 'test:conformance'],
  },
  medium: {
    minutes: 20,
    story: 'the controller against real Postgres and TLS',
    tally: 'file',
    run: vitest('vitest.medium.config.ts'),
  },
  system: {
    minutes: 60,
    story: 'namespaces, TUN devices, the lab, the console in Chromium',
    tally: 'file',
    run: vitest('vitest.system.config.ts'),
  },
  interop: {
    minutes: 20,
    story: 'IKEv2 and ESP with strongSwan, in namespaces',
    tally: 'file',
    run: [process.execPath, '--conditions=source', '--import', '@oxc-node/core/register', 'test/interop/main.ts'],
  },
  compose: {
    minutes: 40,
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

/** All of it: whoever waits for the end is told what hangs before losing patience. */
const MOST_MINUTES = 84;
const MINUTE = 60_000;
const endBy = performance.now() + MOST_MINUTES * MINUTE;
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
  const left = endBy - performance.now();
  if (left <= 0) return failedSuite(`was not begun: the others took ${MOST_MINUTES} minutes`);
  const file = path.join(scratch, `${name}.json`);
  const milliseconds = Math.min(left, suite.minutes * MINUTE);
  const env = { ...process.env, WEFT_TALLY: file };
  const { code, overran, heard, lastLine } = await runBounded(suite.run, { cwd: root, env, milliseconds });
  if (heard !== undefined) {
    fs.rmSync(scratch, { recursive: true, force: true });
    process.exit(128 + os.constants.signals[heard]);
  }
  const tally = suite.tally === 'file' ? readTally(file) : parseTally(lastLine);
  if (overran) {
    const running = tally?.running?.length > 0 ? `; running then: ${tally.running.join(', ')}` : '';
    const why = `did not end within ${(milliseconds / MINUTE).toFixed(0)} minutes${running}`;
    return failedSuite(why, tally);
  }
  // A run that died, or counted nothing, is a failure whatever it printed.
  if (!tally) return failedSuite(`gave no result, exit code ${code}`);
  if (code !== 0 && tally.failed.length === 0) return failedSuite(`exit code ${code}`, tally);
  return tally;
}

/** What it had counted, and itself as one that failed. */
function failedSuite(why, { passed, failed, skipped } = { passed: 0, failed: [], skipped: [] }) {
  return { passed, failed: [...failed, { name: 'the suite', why }], skipped };
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

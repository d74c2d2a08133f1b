#!/usr/bin/env node
// `npm run check`: everything that can be judged without root, a network or a database.
// usage: node tools/repository/check.mjs [--only STEP,STEP] [--skip STEP,STEP] [--list]
// Each step is one command; all run even when one fails; the last line counts them.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = (name) => path.join(root, 'node_modules/.bin', name);

const STEPS = {
  lint: {
    story: 'format, lint and import boundaries',
    run: [bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=none', '.'],
  },
  proto: { story: 'proto/ follows the buf rules', run: [bin('buf'), 'lint', 'proto'] },
  breaking: {
    story: 'proto/ is compatible with proto/baseline.json',
    run: [bin('buf'), 'breaking', 'proto', '--against', 'proto/baseline.json'],
  },
  generated: {
    story: 'generated code is current',
    run: [process.execPath, 'tools/repository/generate.mjs', '--check'],
  },
  compose: {
    story: 'docker-compose.yml is valid',
    unless: () => spawnSync('docker', ['compose', 'version']).status !== 0 && 'the compose plugin of Docker is absent',
    run: ['docker', 'compose', 'config', '--quiet'],
  },
  docs: {
    story: 'every path the documents name exists',
    run: [process.execPath, 'tools/repository/check-doc-paths.mjs'],
  },
  types: {
    story: 'every project type-checks',
    run: [bin('nx'), 'run-many', '--target=typecheck', '--output-style=static'],
  },
  unit: { story: 'unit specs pass', run: [bin('vitest'), 'run', '--reporter=dot'] },
};

const only = namesAfter('--only');
const skip = namesAfter('--skip') ?? [];
const unknown = [...(only ?? []), ...skip].filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(`unknown step ${unknown.join(', ')}; there are: ${Object.keys(STEPS).join(', ')}`);
  process.exit(2);
}
if (process.argv.includes('--list')) {
  for (const [name, step] of Object.entries(STEPS)) console.log(`${name.padEnd(10)} ${step.story}`);
  process.exit(0);
}

let failed = 0;
let skipped = 0;
const chosen = Object.entries(STEPS).filter(([name]) => (!only || only.includes(name)) && !skip.includes(name));
for (const [name, step] of chosen) {
  const why = step.unless?.();
  if (why) {
    skipped += 1;
    console.log(`skipped           ${name.padEnd(10)} ${step.story}: ${why}`);
    continue;
  }
  const started = performance.now();
  const [command, ...args] = step.run;
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  const passed = result.status === 0;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds} s  ${name.padEnd(10)} ${step.story}`);
  if (passed) continue;
  failed += 1;
  console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`);
}
console.log(`checks: ${chosen.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

function namesAfter(option) {
  return process.argv.find((_, index) => process.argv[index - 1] === option)?.split(',');
}

#!/usr/bin/env node
// Regenerates everything in packages/contracts from its sources: proto/ (southbound) and the controller (REST).
// usage: node tools/repository/generate.mjs [--check] [southbound|rest ...]
// --check changes nothing and exits 1 when a committed file differs from what its source gives.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = (name) => path.join(root, 'node_modules/.bin', name);

/** Each output: what it is made from, how, and where it belongs. */
const OUTPUTS = {
  southbound: {
    from: 'proto/**/*.proto',
    make(out) {
      run(bin('buf'), ['generate', 'proto', '--template', 'proto/buf.gen.yaml', '--output', out]);
    },
    places: { southbound: 'packages/contracts/src/gen/southbound' },
  },
  rest: {
    from: 'the schemas and routes in apps/controller/src/modules',
    make(out) {
      const document = path.join(out, 'openapi.json');
      run(process.execPath, [
        '--conditions=source',
        '--import=@oxc-node/core/register',
        'apps/controller/src/main.ts',
        '--write-openapi',
        document,
      ]);
      run(bin('openapi-typescript'), [
        document,
        '--default-non-nullable=false',
        '--output',
        path.join(out, 'schema.ts'),
      ]);
    },
    places: {
      'openapi.json': 'packages/contracts/openapi.json',
      'schema.ts': 'packages/contracts/src/gen/rest/schema.ts',
    },
  },
};

const check = process.argv.includes('--check');
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-generate-'));
try {
  const stale = [];
  for (const [name, output] of Object.entries(OUTPUTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const out = path.join(scratch, name);
    fs.mkdirSync(out);
    output.make(out);
    for (const [made, place] of Object.entries(output.places)) {
      if (check)
        stale.push(
          ...differences(path.join(out, made), path.join(root, place)).map((file) => ({ file, from: output.from })),
        );
      else replace(path.join(out, made), path.join(root, place));
    }
  }
  for (const { file, from } of stale) console.error(`stale: ${path.relative(root, file)} is not what ${from} gives`);
  if (stale.length > 0) {
    console.error('Run: npm run generate');
    process.exitCode = 1;
  } else {
    console.log(check ? 'generated code is current' : 'generated code is written');
  }
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}

function run(command, args) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    throw new Error(`${path.basename(command)} failed while generating`, { cause: error });
  }
}

/** Files below a path, relative to it; a file is its own only entry. */
function filesOf(base) {
  if (!fs.existsSync(base)) return [];
  if (fs.statSync(base).isFile()) return [''];
  return fs
    .readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(base, path.join(entry.parentPath, entry.name)));
}

function differences(made, place) {
  const names = new Set([...filesOf(made), ...filesOf(place)]);
  return [...names]
    .sort()
    .map((name) => [path.join(made, name), path.join(place, name)])
    .filter(([a, b]) => !fs.existsSync(a) || !fs.existsSync(b) || !fs.readFileSync(a).equals(fs.readFileSync(b)))
    .map(([, b]) => b);
}

function replace(made, place) {
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.cpSync(made, place, { recursive: true });
}

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * A guard that has never caught anything proves nothing: each step of `npm run check` is shown a copy of the
 * repository with one thing wrong, and must refuse it; and the same copy unharmed, and must accept it.
 */
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
let copy: string;

beforeAll(() => {
  copy = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-check-'));
  for (const file of trackedFiles()) {
    fs.mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    fs.copyFileSync(path.join(root, file), path.join(copy, file));
  }
  execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: copy });
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  for (const workspace of ['packages', 'apps', 'tools']) linkNestedModules(workspace);
});

afterAll(() => {
  fs.rmSync(copy, { recursive: true, force: true });
});

describe('npm run check', () => {
  it('runs every step that is shown failing below', () => {
    const { stdout } = check('--list');
    for (const step of ['lint', 'breaking', 'generated', 'types', 'docs']) expect(stdout).toContain(step);
  });

  it('accepts the repository as it is', () => {
    const { status, stdout } = check('--only', 'lint,proto,breaking,generated,docs');
    expect(stdout).toContain('0 failed');
    expect(status).toBe(0);
  });

  const fixtures = trackedFiles().filter((file) => file.endsWith('.boundary-fixture.ts'));

  it('has a fixture for every import rule', () => {
    const configuration = fs.readFileSync(path.join(root, 'biome.json'), 'utf8');
    const zones = JSON.parse(configuration).overrides.filter(
      (override: { linter: { rules: { style?: { noRestrictedImports?: unknown } } } }) =>
        typeof override.linter.rules.style?.noRestrictedImports === 'object',
    );
    const uncovered = zones
      .map((zone: { includes: string[] }) => zone.includes[0] ?? '')
      .filter((glob: string) => !fixtures.some((file) => path.matchesGlob(file, glob)));
    expect(uncovered).toEqual([]);
  });

  it('refuses every fixture once they are no longer excluded', () => {
    changed(
      'biome.json',
      (text) => text.replace(/\s*"!\*\*\/\*\.boundary-fixture\.ts",/, ''),
      () => {
        const { status, stdout } = check('--only', 'lint');
        expect(status).toBe(1);
        const refused = [
          ...stdout.matchAll(/^(\S+\.boundary-fixture\.ts):\d+:\d+ lint\/style\/noRestricted(?:Imports|Globals)/gm),
        ];
        expect(refused.map((match) => match[1]).sort()).toEqual([...fixtures].sort());
      },
    );
  });

  it('refuses generated code that is stale, of either contract', () => {
    changed(
      'proto/weft/southbound/v1/status.proto',
      (text) => text.replace('uint32 outbound_spi', 'uint32 sending_spi'),
      () => {
        const { status, stdout } = check('--only', 'generated');
        expect(status).toBe(1);
        expect(stdout).toContain('stale: packages/contracts/src/gen/southbound/weft/southbound/v1/status.ts');
      },
    );
    changed(
      'packages/contracts/openapi.json',
      (text) => text.replace('"openapi"', '"openapi" '),
      () => {
        const { status, stdout } = check('--only', 'generated');
        expect(status).toBe(1);
        expect(stdout).toContain('stale: packages/contracts/openapi.json');
      },
    );
  });

  it('refuses a change of proto/ that breaks deployed edges', () => {
    changed(
      'proto/weft/southbound/v1/status.proto',
      (text) => text.replace('uint64 inbound_packets = 4;', 'uint64 inbound_packets = 99;'),
      () => {
        const { status, stdout } = check('--only', 'breaking');
        expect(status).toBe(1);
        expect(stdout).toContain('inbound_packets');
      },
    );
  });

  it(
    'refuses a wrong type',
    () => {
      changed(
        'packages/ipsec-core/src/index.ts',
        (text) => `${text}\nexport const wrong: number = 'text';\n`,
        () => {
          const { status, stdout } = check('--only', 'types');
          expect(status).toBe(1);
          expect(stdout).toContain('TS2322');
        },
      );
    },
    TYPE_CHECK_PATIENCE_MILLISECONDS,
  );

  it('refuses a clock, a timer or a Node module in the engine', () => {
    changed(
      'packages/ipsec-core/src/index.ts',
      (text) => `${text}\nexport const started = Date.now();\n`,
      () => {
        expect(check('--only', 'lint').stdout).toContain('Time is an argument');
      },
    );
  });

  it('refuses a document that names a file which is gone', () => {
    changed(
      'README.md',
      (text) => `${text}\nSee \`docs/gone.md\`.\n`,
      () => {
        const { status, stdout } = check('--only', 'docs');
        expect(status).toBe(1);
        expect(stdout).toContain('README.md names docs/gone.md');
      },
    );
  });
});

describe('npm ci', () => {
  let bare: string;
  beforeAll(() => {
    // Without node_modules: nothing that npm might want to remove is in reach.
    bare = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-lock-'));
    for (const file of trackedFiles().filter((name) => NPM_FILES.has(path.basename(name)))) {
      fs.mkdirSync(path.dirname(path.join(bare, file)), { recursive: true });
      fs.copyFileSync(path.join(root, file), path.join(bare, file));
    }
  });
  afterAll(() => {
    fs.rmSync(bare, { recursive: true, force: true });
  });

  const install = () => spawnSync('npm', ['ci', '--dry-run', '--offline'], { cwd: bare, encoding: 'utf8' });

  it('accepts the lock file, and runs no install script', () => {
    const { status, stderr } = install();
    expect({ status, stderr: stderr.replace(/^npm warn .*\n/gm, '') }).toEqual({ status: 0, stderr: '' });
    expect(fs.readFileSync(path.join(bare, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
  });

  it('refuses it when a package names what is not in it', () => {
    const file = path.join(bare, 'test/package.json');
    const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
    fs.writeFileSync(file, JSON.stringify({ ...manifest, dependencies: { ...manifest.dependencies, zod: '1.0.0' } }));
    expect(install().status).not.toBe(0);
  });
});

function check(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, ['tools/repository/check.mjs', ...args], {
    cwd: copy,
    encoding: 'utf8',
    env: {
      ...process.env,
      NO_COLOR: '1',
      NX_SKIP_NX_CACHE: 'true',
      NX_WORKSPACE_DATA_DIRECTORY: path.join(copy, '.nx'),
    },
    maxBuffer: 64 << 20,
  });
}

function changed(file: string, change: (text: string) => string, body: () => void): void {
  const target = path.join(copy, file);
  const original = fs.readFileSync(target, 'utf8');
  const text = change(original);
  expect(text, `${file} has what the test changes`).not.toBe(original);
  try {
    fs.writeFileSync(target, text);
    body();
  } finally {
    fs.writeFileSync(target, original);
  }
}

function trackedFiles(): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && fs.existsSync(path.join(root, file)));
}

/** A workspace may have a node_modules of its own, for a version that differs from the root's. */
function linkNestedModules(folder: string): void {
  for (const name of fs.readdirSync(path.join(root, folder))) {
    const nested = path.join(root, folder, name, 'node_modules');
    if (fs.existsSync(nested)) fs.symlinkSync(nested, path.join(copy, folder, name, 'node_modules'));
  }
}

/** All that npm reads to decide what to install. */
const NPM_FILES = new Set(['package.json', 'package-lock.json', '.npmrc']);

/** Every project is type-checked from nothing: half a minute on an idle machine, many times that on a busy one. */
const TYPE_CHECK_PATIENCE_MILLISECONDS = 900_000;

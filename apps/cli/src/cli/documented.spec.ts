import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import * as codes from '../platform/exit-code.js';
import { environmentName, SETTINGS } from '../settings/settings.js';
import { createProgram } from './program.js';
import { runCli } from './run.js';

const text = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');
const rows = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, ...cells]) => cells);

function quiet() {
  const said = { out: '', notes: '' };
  const write = (part: string) => {
    said.out += part;
  };
  const notes = {
    write: (part: string) => {
      said.notes += part;
    },
  };
  return { said, io: { environment: {}, input: Readable.from([]), write, notes } };
}

describe('docs/cli.md', () => {
  it('has a line for every setting, and for nothing else that looks like one', () => {
    const documented = rows(/^\| `([a-z-]+)` \| `(WEFT_CLI_[A-Z_]+)` \|/gm);
    expect(documented).toEqual(SETTINGS.map(({ name }) => [name, environmentName(name)]));
  });

  it('has a line for every command', () => {
    const { commands } = createProgram(quiet().io, () => undefined);
    expect(rows(/^\| `([a-z]+)` \| [a-z]/gm).flat()).toEqual(commands.map((command) => command.name()));
  });

  it('has a line for every way to end', () => {
    expect(
      rows(/^\| ([0-9]) \|/gm)
        .flat()
        .map(Number),
    ).toEqual(Object.values(codes).sort());
  });
});

describe('the command line', () => {
  it.each([
    [['--help'], 0],
    [['help', 'apply'], 0],
    [['--version'], 0],
    [[], 2],
    [['nonsense'], 2],
    [['export', '--token', 'x'], 2],
    [['events', '--count', '1'], 2],
    [['events', '--follow', '--limit', '1'], 2],
  ])('%j ends with %i', async (args, code) => {
    expect(await runCli(args as string[], quiet().io)).toBe(code);
  });

  it('has no flag that takes a secret', () => {
    const flags = createProgram(quiet().io, () => undefined).commands.flatMap(({ commands, options }) => [
      ...options,
      ...commands.flatMap((command) => command.options),
    ]);
    expect(flags.length).toBeGreaterThan(50);
    expect(flags.filter(({ long }) => /token$|password$|secret|key$/.test(long ?? ''))).toEqual([]);
  });

  it('says as JSON what is wrong before anybody is asked', async () => {
    const { io, said } = quiet();
    expect(await runCli(['export', '--json', '--controller', 'http://weft.example'], io)).toBe(2);
    expect(JSON.parse(said.out)).toMatchObject({ type: 'urn:weft:cli:setting_invalid' });
    expect(said.notes).toMatch(/^weft: controller \(--controller\)/);
  });
});

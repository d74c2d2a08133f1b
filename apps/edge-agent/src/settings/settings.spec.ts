import { describe, expect, it } from 'vitest';
import { environmentName, resolveSettings, SETTINGS } from './settings.js';
import { parseSettingsFile } from './settings-file.js';

const FILE = '/etc/weft-edge/weft-edge.conf';
const resolve = (
  flags: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
  file = '',
) => resolveSettings({ flags: new Map(Object.entries(flags)), environment, file: parseSettingsFile(file, FILE) });

/** A value that each setting takes, and one that it does not. */
const VALUES: Readonly<Record<string, readonly [good: string, bad: string]>> = {
  'state-dir': ['/srv/weft', ''],
  'state-key': ['/srv/weft-key', ''],
  device: ['weft7', 'weft"; drop'],
  'log-level': ['debug', 'loud'],
  'data-path': ['portable', 'fast'],
  mark: ['0x10', '0'],
  'path-mtu-discovery': ['probe', 'maybe'],
  'path-probing': ['off', 'sometimes'],
  workers: ['3', '17'],
  'confirm-seconds': ['0', '29'],
  'removal-limit': ['0', '101'],
  'metrics-listen': ['[::1]:9911', 'localhost:9911'],
};

describe('the settings', () => {
  it('hold as they are when nothing is said', () => {
    expect(resolve()).toMatchObject({
      stateDir: '/var/lib/weft-edge',
      stateKey: '/var/lib/weft-edge.key',
      device: 'weft0',
      logLevel: 'info',
      mark: 0x7765,
    });
    expect(resolve({ 'state-dir': '/srv/weft' }).stateKey).toBe('/srv/weft.key');
  });

  it.each(SETTINGS)('$name: a flag counts before the environment, and that before the file', ({ name }) => {
    const [good = '', bad = ''] = VALUES[name] ?? [];
    const variable = environmentName(name);
    const expected = resolve({ [name]: good });
    expect(resolve({}, { [variable]: good })).toEqual(expected);
    expect(resolve({}, {}, `# how it runs\n\n${name} = ${good}\n`)).toEqual(expected);
    // What does not count is not looked at.
    expect(resolve({ [name]: good }, { [variable]: bad }, `${name} = ${bad}`)).toEqual(expected);
    expect(resolve({}, { [variable]: good }, `${name} = ${bad}`)).toEqual(expected);
  });

  it.each(SETTINGS)('$name: what cannot be is refused with its name, and where it stands', ({ name }) => {
    const [, bad = ''] = VALUES[name] ?? [];
    const refused = (source: string) => ({
      code: 'setting_invalid',
      message: expect.stringContaining(`${name} (${source}) is ${JSON.stringify(bad)}`),
      fix: expect.stringContaining('write'),
    });
    expect(() => resolve({ [name]: bad })).toThrow(expect.objectContaining(refused(`--${name}`)));
    expect(() => resolve({}, { [environmentName(name)]: bad })).toThrow(
      expect.objectContaining(refused(environmentName(name))),
    );
    expect(() => resolve({}, {}, `\n${name} = ${bad}`)).toThrow(expect.objectContaining(refused(`${FILE} line 2`)));
  });

  it('that nobody knows are refused: what was meant would not hold', () => {
    expect(() => resolve({}, {}, 'worker = 3')).toThrow(/line 1: there is no setting worker/);
    expect(() => resolve({}, { WEFT_EDGE_WORKER: '3' })).toThrow(/there is no setting WEFT_EDGE_WORKER/);
    expect(resolve({}, { WEFT_EDGE_CONFIG: FILE, WEFT_PUBLIC_HOST: 'x' })).toEqual(resolve());
  });

  it.each([
    ['workers 3', /line 1: it is not of the form name = value/],
    ['workers = 3\nworkers = 4', /line 2: workers stands in .* line 1 already/],
  ])('in a file that says %j are refused', (content, message) => {
    expect(() => resolve({}, {}, content)).toThrow(message);
  });
});

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
  'protected-networks': ['10.2.0.0/16, 2001:db8:2::/48', '0.0.0.0/0'],
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

  it.each([
    ['10.2.0.0/16 10.3.0.0/16,fc00::/7', ['10.2.0.0/16', '10.3.0.0/16', 'fc00::/7']],
    ['none', []],
  ])('take networks to be closed before the first bundle: %s', (text, protectedNetworks) => {
    expect(resolve({ 'protected-networks': text })).toMatchObject({ protectedNetworks });
  });

  it.each([
    ['0.0.0.0/0', /holds more than a \/8: this machine could not be reached/],
    ['10.2.0.0/16,2000::/3', /2000::\/3 holds more than a \/7/],
    ['10.2.0.1/16', /did you mean 10\.2\.0\.0\/16/],
    [' , ', /it is not 1 to 1024 prefixes/],
  ])('refuse networks with which the machine would be out of reach, or that are none: %s', (text, message) => {
    expect(() => resolve({ 'protected-networks': text })).toThrow(message);
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

import { describe, expect, it } from 'vitest';
import { resolveSettings, type Settings } from './settings.js';
import { parseSettingsFile } from './settings-file.js';

const resolved = (flags: Record<string, string>, environment: Record<string, string> = {}, file = ''): Settings =>
  resolveSettings({ flags: new Map(Object.entries(flags)), environment, file: parseSettingsFile(file, 'weft.conf') });
const refusal = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was accepted');
};

describe('the settings', () => {
  it('are those of the flag, then of the environment, then of the file, then what holds otherwise', () => {
    const [environment, file] = [{ WEFT_CLI_TENANT: 'of the environment' }, 'tenant = of the file'];
    expect(resolved({ tenant: 'of the flag' }, environment, file).tenant).toBe('of the flag');
    expect(resolved({}, environment, file).tenant).toBe('of the environment');
    expect(resolved({}, {}, file).tenant).toBe('of the file');
    expect(resolved({}, { HOME: '/home/o' })).toEqual({
      controller: new URL('http://127.0.0.1:8080'),
      tenant: undefined,
      tokenFile: '/home/o/.config/weft/token',
      caFile: undefined,
      timeoutMilliseconds: 60_000,
    });
    expect(resolved({}, { HOME: '/home/o', XDG_CONFIG_HOME: '/etc/xdg' }).tokenFile).toBe('/etc/xdg/weft/token');
  });

  it.each([
    'https://weft.example',
    'https://10.0.0.1:8443',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://localhost',
  ])('take the controller %s', (controller) => {
    expect(resolved({ controller }).controller.origin).toBe(controller);
  });

  it.each([
    ['http://weft.example', 'in the clear'],
    ['http://127.0.0.1.weft.example', 'in the clear'],
    ['http://10.0.0.1:8080', 'in the clear'],
    ['ftp://127.0.0.1', 'in the clear'],
    ['https://weft.example/api/v1', 'behind the host'],
    ['https://admin:secret@weft.example', 'user or password'],
    ['weft.example', 'no URL'],
  ])('refuse the controller %s: %s', (controller, why) => {
    expect(refusal(() => resolved({ controller }))).toMatchObject({
      code: 'setting_invalid',
      message: expect.stringContaining(why),
    });
  });

  it.each(['0', '3601', '-1', '1.5', 'long', ''])('refuse %j as a time', (timeout) => {
    expect(refusal(() => resolved({ timeout })).code).toBe('setting_invalid');
  });

  it('refuse what is misspelt, and a token where it does not belong', () => {
    expect(refusal(() => resolved({}, { WEFT_CLI_TENNANT: 'x' })).code).toBe('setting_unknown');
    expect(refusal(() => resolved({}, {}, 'token = weft_0123456789'))).toMatchObject({
      code: 'setting_unknown',
      message: expect.not.stringContaining('weft_0123456789'),
    });
    expect(resolved({}, { WEFT_CLI_TOKEN: 'weft_x', WEFT_CLI_CONFIG: 'file' }).tenant).toBeUndefined();
  });
});

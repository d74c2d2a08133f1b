import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeBreakGlassLogin, takeBreakGlassLogin } from './break-glass-file.js';

const NOW = new Date('2026-11-26T15:00:00Z');
const later = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds);
const QUARTER = 15 * 60_000;

let config: { dataDirectory: string };
let path: string;
beforeEach(async () => {
  config = { dataDirectory: await mkdtemp(join(tmpdir(), 'weft-break-glass-')) };
  path = join(config.dataDirectory, 'break-glass.json');
});
afterEach(() => rm(config.dataDirectory, { recursive: true }));

describe('a break-glass login', () => {
  it('is good once, until a quarter of an hour is over', async () => {
    const { password, expiresAt } = await makeBreakGlassLogin(config, NOW);
    expect(expiresAt).toEqual(later(QUARTER));
    expect(await takeBreakGlassLogin(config, password, later(QUARTER))).toBe(false);
    expect(await takeBreakGlassLogin(config, `${password}x`, NOW)).toBe(false);
    expect(await takeBreakGlassLogin(config, password, later(QUARTER - 1))).toBe(true);
    expect(await takeBreakGlassLogin(config, password, NOW)).toBe(false);
  });

  it('lets one in when two come at once', async () => {
    const { password } = await makeBreakGlassLogin(config, NOW);
    const outcomes = await Promise.all([1, 2, 3].map(() => takeBreakGlassLogin(config, password, NOW)));
    expect(outcomes.filter((taken) => taken)).toHaveLength(1);
  });

  it('takes the place of the one before', async () => {
    const first = await makeBreakGlassLogin(config, NOW);
    const second = await makeBreakGlassLogin(config, NOW);
    expect(await takeBreakGlassLogin(config, first.password, NOW)).toBe(false);
    expect(await takeBreakGlassLogin(config, second.password, NOW)).toBe(true);
  });

  it('is a digest on the disk, for its owner alone', async () => {
    const { password } = await makeBreakGlassLogin(config, NOW);
    expect(await readFile(path, 'utf8')).not.toContain(password);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await chmod(path, 0o640);
    await expect(takeBreakGlassLogin(config, password, NOW)).rejects.toMatchObject({ code: 'bad_file' });
  });

  it('that is damaged lets nobody in', async () => {
    for (const text of ['', '{', 'null', '{"passwordHash":"00","expiresAt":"2999-01-01T00:00:00Z"}']) {
      await writeFile(path, text, { mode: 0o600 });
      expect(await takeBreakGlassLogin(config, '', NOW)).toBe(false);
    }
  });
});

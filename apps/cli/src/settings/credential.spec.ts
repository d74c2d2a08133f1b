import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCredential, readCredential } from './credential.js';

const TOKEN = 'weft_0123456789abcdefABCDEF';
let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-credential-spec-'));
  file = path.join(directory, 'token');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a credential', () => {
  it('is an API token or the cookie of a session', () => {
    expect(parseCredential(`${TOKEN}\n`, 'x').headers).toEqual({ authorization: `Bearer ${TOKEN}` });
    expect(parseCredential('weft_session=abcdefgh', 'x').headers).toEqual({ cookie: 'weft_session=abcdefgh' });
  });

  it.each(['', 'hunter2hunter2', `${TOKEN}\r\nx: y`, 'weft_session=a;b=cdefghijk', `${TOKEN} ${TOKEN}`])(
    'is not %j, and is not quoted',
    (text) => {
      const refused = () => parseCredential(text, 'the file');
      expect(refused).toThrow('what the file has is neither an API token nor a session');
    },
  );

  it('comes from the environment before the file', async () => {
    await writeFile(file, 'weft_ofthefile', { mode: 0o600 });
    expect((await readCredential({ WEFT_CLI_TOKEN: TOKEN }, file)).headers).toEqual({
      authorization: `Bearer ${TOKEN}`,
    });
    expect((await readCredential({}, file)).headers).toEqual({ authorization: 'Bearer weft_ofthefile' });
  });

  it.each([0o640, 0o604, 0o620, 0o666, 0o644])('in a file of mode %o is not presented', async (mode) => {
    await writeFile(file, TOKEN);
    await chmod(file, mode);
    await expect(readCredential({}, file)).rejects.toMatchObject({ code: 'credential_exposed', exitCode: 2 });
  });

  it('that is missing, or no file, says what to do', async () => {
    await expect(readCredential({}, file)).rejects.toMatchObject({ code: 'credential_missing' });
    await expect(readCredential({}, path.join('/proc/self/mem/x'))).rejects.toMatchObject({
      code: 'credential_unreadable',
    });
  });
});

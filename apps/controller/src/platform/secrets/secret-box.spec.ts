import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControllerConfig } from '../../config/controller-config.js';
import { SecretBox } from './secret-box.js';

let dataDirectory: string;
beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'weft-secret-box-'));
});
afterEach(() => rm(dataDirectory, { recursive: true }));

async function box(): Promise<SecretBox> {
  const one = new SecretBox({ dataDirectory } as ControllerConfig);
  await one.start();
  return one;
}
const unreadable = expect.objectContaining({ code: 'secret_unreadable', kind: 'unavailable' });

describe('SecretBox', () => {
  it('opens what it has sealed, after a restart too, with a key that only its owner reads', async () => {
    const secret = randomBytes(20);
    const sealed = (await box()).seal('user 1', secret);
    expect(sealed.includes(secret)).toBe(false);
    expect((await box()).open('user 1', sealed)).toEqual(secret);
    expect((await stat(join(dataDirectory, 'secrets.key'))).mode & 0o777).toBe(0o600);
  });

  it('knows what it has signed, after a restart too, for one purpose alone', async () => {
    const one = await box();
    const signature = one.sign('login', 'content');
    expect((await box()).isSigned('login', 'content', signature)).toBe(true);
    expect(one.isSigned('other', 'content', signature)).toBe(false);
    expect(one.isSigned('login', 'contents', signature)).toBe(false);
    expect(one.isSigned('login', 'content', signature.subarray(1))).toBe(false);
    expect(one.isSigned('login', 'content', Buffer.alloc(0))).toBe(false);
  });

  it('seals the same secret differently each time', async () => {
    const one = await box();
    const secret = Buffer.from('secret');
    expect(one.seal('x', secret)).not.toEqual(one.seal('x', secret));
  });

  it('opens nothing for another owner, and nothing that a single bit of was changed', async () => {
    const one = await box();
    const sealed = one.seal('user 1', Buffer.from('secret'));
    expect(() => one.open('user 2', sealed)).toThrow(unreadable);
    for (let octet = 0; octet < sealed.length; octet++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(octet) ^ 1, octet);
      expect(() => one.open('user 1', changed)).toThrow(unreadable);
      expect(() => one.open('user 1', sealed.subarray(0, octet))).toThrow(unreadable);
    }
  });

  it('says which file is the wrong one when the key is another', async () => {
    const sealed = (await box()).seal('user 1', Buffer.from('secret'));
    await unlink(join(dataDirectory, 'secrets.key'));
    const other = await box();
    expect(() => other.open('user 1', sealed)).toThrow(unreadable);
    expect(() => other.open('user 1', sealed)).toThrow(join(dataDirectory, 'secrets.key'));
  });

  it('refuses a key that others may read, and what is no key', async () => {
    await box();
    const file = join(dataDirectory, 'secrets.key');
    await chmod(file, 0o644);
    await expect(box()).rejects.toMatchObject({ code: 'bad_file' });
    await chmod(file, 0o600);
    await writeFile(file, 'none');
    await expect(box()).rejects.toMatchObject({ code: 'bad_file' });
  });

  it('has one key when two controllers need the first one at once', async () => {
    const [one, other] = await Promise.all([box(), box()]);
    expect(other.open('x', one.seal('x', Buffer.from('1')))).toEqual(Buffer.from('1'));
    expect(await readFile(join(dataDirectory, 'secrets.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });
});

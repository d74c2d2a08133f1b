import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, unlink } from 'node:fs/promises';
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

const box = (): SecretBox => new SecretBox({ dataDirectory } as ControllerConfig);
const unreadable = { code: 'secret_unreadable', kind: 'unavailable' };

describe('SecretBox', () => {
  it('opens what it has sealed, after a restart too, with a key that only its owner reads', async () => {
    const secret = randomBytes(20);
    const sealed = await box().seal('user 1', secret);
    expect(sealed.includes(secret)).toBe(false);
    expect(await box().open('user 1', sealed)).toEqual(secret);
    expect((await stat(join(dataDirectory, 'secrets.key'))).mode & 0o777).toBe(0o600);
  });

  it('seals the same secret differently each time', async () => {
    const one = box();
    const secret = Buffer.from('secret');
    expect(await one.seal('x', secret)).not.toEqual(await one.seal('x', secret));
  });

  it('opens nothing for another owner, and nothing that a single bit of was changed', async () => {
    const one = box();
    const sealed = await one.seal('user 1', Buffer.from('secret'));
    await expect(one.open('user 2', sealed)).rejects.toMatchObject(unreadable);
    for (let octet = 0; octet < sealed.length; octet++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(octet) ^ 1, octet);
      await expect(one.open('user 1', changed)).rejects.toMatchObject(unreadable);
      await expect(one.open('user 1', sealed.subarray(0, octet))).rejects.toMatchObject(unreadable);
    }
  });

  it('says which file is the wrong one when the key is another', async () => {
    const sealed = await box().seal('user 1', Buffer.from('secret'));
    await unlink(join(dataDirectory, 'secrets.key'));
    await expect(box().open('user 1', sealed)).rejects.toMatchObject({
      ...unreadable,
      message: expect.stringContaining(join(dataDirectory, 'secrets.key')),
    });
  });

  it('has one key when two controllers need the first one at once', async () => {
    const [one, other] = [box(), box()];
    const [sealed] = await Promise.all([one.seal('x', Buffer.from('1')), other.seal('x', Buffer.from('2'))]);
    expect(await other.open('x', sealed)).toEqual(Buffer.from('1'));
    expect(await readFile(join(dataDirectory, 'secrets.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });
});

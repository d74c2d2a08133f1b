import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultStateKeyFile, StateKey } from './state-key.js';

const CONTENT = Buffer.from('routes 10.2.0.0/24');
let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-key-spec-'));
  file = path.join(directory, 'elsewhere', 'state.key');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('the key of the state directory', () => {
  it('is made once, for its owner alone, and opens what it has sealed', async () => {
    const sealed = (await StateKey.open(file)).seal('it', CONTENT);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(sealed).includes(CONTENT)).toBe(false);
    expect(Buffer.from((await StateKey.open(file)).unseal('it', sealed))).toEqual(CONTENT);
  });

  it('never seals the same twice in the same way', async () => {
    const key = await StateKey.open(file);
    expect(key.seal('it', CONTENT)).not.toEqual(key.seal('it', CONTENT));
  });

  it('opens nothing that is cut, changed in any bit, or named otherwise, nor with another key', async () => {
    const key = await StateKey.open(file);
    const sealed = key.seal('it', CONTENT);
    const refused = (octets: Uint8Array, name = 'it', by = key) =>
      expect(() => by.unseal(name, octets)).toThrowError(expect.objectContaining({ code: 'seal_broken' }));
    for (let length = 0; length < sealed.length; length++) refused(sealed.subarray(0, length));
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      refused(changed);
    }
    refused(sealed, 'another');
    refused(sealed, 'it', await StateKey.open(path.join(directory, 'other.key')));
  });

  it('is not taken from a file that others can read, nor of the wrong size', async () => {
    await StateKey.open(file);
    await chmod(file, 0o640);
    await expect(StateKey.open(file)).rejects.toMatchObject({ code: 'state_key_unsafe' });
    await chmod(file, 0o600);
    await writeFile(file, 'short');
    await expect(StateKey.open(file)).rejects.toMatchObject({ code: 'state_key_unusable' });
  });

  it('cannot be printed', async () => {
    const key = await StateKey.open(file);
    const octets = await readFile(file);
    for (const text of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key), String(key)]) {
      for (const encoding of ['hex', 'base64'] as const) expect(text).not.toContain(octets.toString(encoding));
    }
  });

  it('is beside the state directory unless something else is said', () => {
    expect(defaultStateKeyFile('/var/lib/weft-edge/')).toBe('/var/lib/weft-edge.key');
  });
});

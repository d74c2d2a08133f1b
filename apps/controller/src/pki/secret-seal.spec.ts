import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ControllerConfig } from '../config/controller-config.js';
import { SecretSeal } from './secret-seal.js';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'weft-secret-seal-'));
  directories.push(directory);
  return directory;
}

async function started(directory: string): Promise<SecretSeal> {
  const seal = new SecretSeal({ dataDirectory: directory } as ControllerConfig);
  await seal.start();
  return seal;
}

describe('a sealed secret', () => {
  const plain = Buffer.from('correct horse');

  it('opens at its place, also after the controller was started anew, and looks otherwise each time', async () => {
    const directory = dataDirectory();
    const seal = await started(directory);
    const [one, other] = [seal.seal('here', plain), seal.seal('here', plain)];
    expect(one.equals(other)).toBe(false);
    expect(one.includes(plain)).toBe(false);
    expect((await started(directory)).open('here', one)).toEqual(plain);
  });

  it('opens nowhere else, with no other key, and not when a bit of it is turned', async () => {
    const seal = await started(dataDirectory());
    const sealed = seal.seal('here', plain);
    const elsewhere = await started(dataDirectory());
    expect(() => seal.open('there', sealed)).toThrow(expect.objectContaining({ code: 'sealed_otherwise' }));
    expect(() => elsewhere.open('here', sealed)).toThrow(expect.objectContaining({ code: 'sealed_otherwise' }));
    for (let index = 0; index < sealed.length; index += 1) {
      const turned = Buffer.from(sealed);
      turned[index] = (turned[index] ?? 0) ^ 1;
      expect(() => seal.open('here', turned)).toThrow(expect.objectContaining({ code: 'sealed_otherwise' }));
    }
    expect(() => seal.open('here', Buffer.alloc(3))).toThrow(expect.objectContaining({ code: 'sealed_otherwise' }));
  });

  it('has a key that only its owner reads; one that others read, or that is none, is refused', async () => {
    const directory = dataDirectory();
    await started(directory);
    const file = join(directory, 'pki', 'stored-secrets.key');
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    chmodSync(file, 0o644);
    await expect(started(directory)).rejects.toMatchObject({ code: 'bad_file' });
    chmodSync(file, 0o600);
    writeFileSync(file, 'none');
    await expect(started(directory)).rejects.toMatchObject({ code: 'bad_file' });
  });
});

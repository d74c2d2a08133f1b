import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashingFiles, type Outage } from '../../test/support/crashing-files.js';
import { KERNEL_FILES, replaceFile } from './durable-files.js';
import { StateDirectory } from './state-directory.js';

const OLD = Buffer.from('what was there before');
const NEW = Buffer.from('what is there afterwards, and longer');

describe('a file that is replaced', () => {
  it('is the old one or the new one whenever power fails, and the new one once that was said', async () => {
    let outages = 0;
    for (let steps = 0; ; steps++) {
      const files = new CrashingFiles(new Map([['/state/it', OLD]]), steps);
      const done = await ended(replaceFile(files, '/state/it', NEW));
      for (const after of files.outages()) {
        outages++;
        const found = contentOf(after, '/state/it');
        if (done) expect(found).toEqual(NEW);
        else expect([OLD, NEW]).toContainEqual(found);
      }
      if (done) break;
    }
    expect(outages).toBeGreaterThan(NEW.length);
  });

  it('is there or not, whole, when there was none before', async () => {
    for (let steps = 0; ; steps++) {
      const files = new CrashingFiles(new Map(), steps);
      const done = await ended(replaceFile(files, '/state/it', NEW));
      for (const after of files.outages())
        expect([...(done ? [] : [undefined]), NEW]).toContainEqual(after.get('/state/it'));
      if (done) break;
    }
  });

  it('takes the model for what it is: one that does not sync, or renames too early, loses it', async () => {
    const careless = async (files: CrashingFiles) => {
      const made = await files.create('/state/it.new');
      await made.write(NEW);
      await made.close();
      await files.rename('/state/it.new', '/state/it');
      await files.syncDirectory('/state');
    };
    const files = new CrashingFiles(new Map([['/state/it', OLD]]), Number.POSITIVE_INFINITY);
    await careless(files);
    expect(files.outages().map((after) => contentOf(after, '/state/it').length)).toContain(0);
  });
});

describe('the state directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = path.join(await mkdtemp(path.join(tmpdir(), 'weft-state-spec-')), 'state');
  });
  afterEach(() => rm(path.dirname(directory), { recursive: true, force: true }));

  it('is for its owner alone, and so is every file in it', async () => {
    const state = await StateDirectory.open(directory);
    await state.write('it', OLD);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(state.file('it'))).mode & 0o777).toBe(0o600);
    expect(await state.read('it')).toEqual(OLD);
    await state.remove('it');
    expect(await state.read('it')).toBeUndefined();
  });

  it('goes on after a power cut in the middle of a write', async () => {
    const state = await StateDirectory.open(directory);
    await state.write('it', OLD);
    await writeFile(state.file('it.new'), NEW.subarray(0, 7));
    expect(await state.read('it')).toEqual(OLD);
    await state.write('it', NEW);
    expect(await readFile(state.file('it'))).toEqual(NEW);
  });

  it('says why it could not write, and has what it had', async () => {
    const full = { ...KERNEL_FILES, create: () => Promise.reject(new Error('ENOSPC: no space left on device')) };
    await (await StateDirectory.open(directory)).write('it', OLD);
    const state = await StateDirectory.open(directory, full);
    await expect(state.write('it', NEW)).rejects.toMatchObject({
      code: 'state_unwritable',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(await state.read('it')).toEqual(OLD);
  });
});

/** Whether it came to its end before the power failed. */
function ended(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function contentOf(after: Outage, file: string): Buffer {
  const content = after.get(file);
  if (content === undefined) throw new Error(`${file} is gone`);
  return content;
}

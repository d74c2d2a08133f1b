import { execFile } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/**
 * V8 gives objects that are made alike one hidden class, and knows where their fields are. A literal that begins with a
 * spread and adds to it gets a new one each time once its code is warm (Node 20): code that meets such objects is slow, is
 * compiled again and again, and the classes stay until the old generation is collected. Every IKE SA had made seventeen, which
 * halved the rate of handshakes.
 */
describe('hidden classes', () => {
  it(
    'are common to all IKE SAs and Child SAs: another thousand make no new ones',
    async () => {
      expect(await madeByAnotherThousand()).toBeLessThan(SOME);
    },
    PATIENCE,
  );

  it(
    'would be seen if each made one',
    async () => {
      expect(await madeByAnotherThousand('control')).toBeGreaterThan(1000 - SOME);
    },
    PATIENCE,
  );
});

/** Of two processes, by what the longer one has more. */
async function madeByAnotherThousand(...words: readonly string[]): Promise<number> {
  const [some, more] = [await hiddenClasses(200, words), await hiddenClasses(1200, words)];
  return more - some;
}

/** What a process makes that lives so many lives. */
async function hiddenClasses(lives: number, words: readonly string[]): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hidden-classes-'));
  try {
    const log = path.join(folder, 'v8.log');
    const program = fileURLToPath(new URL('./ike-lives.ts', import.meta.url));
    const logging = ['--log-maps', '--no-log-maps-details', '--no-logfile-per-isolate', `--logfile=${log}`];
    const loader = ['-C', 'source', '--import', '@oxc-node/core/register'];
    await promisify(execFile)(process.execPath, [...logging, ...loader, program, String(lives), ...words]);
    let made = 0;
    for await (const line of createInterface({ input: createReadStream(log) }))
      if (line.startsWith('map-create,')) made++;
    return made;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What differs between two processes that do the same. */
const SOME = 300;
const PATIENCE = 600_000;

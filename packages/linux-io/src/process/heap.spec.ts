import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { returnFreedMemory } from './heap.js';

/** Resident memory that no file holds, of this process, in MiB. */
function residentMiB(): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

describe('freed memory of the heap', () => {
  it('goes back to the system when it is asked for, and what is used stays as it is', async () => {
    const MEBIBYTES = 48;
    // Below what malloc would map by itself and unmap with free.
    const pieces = Array.from({ length: MEBIBYTES * 16 }, () => Buffer.allocUnsafeSlow(64 << 10).fill(7));
    const kept = pieces.filter((_, index) => index % 16 === 15);
    const before = residentMiB();
    pieces.length = 0;
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    // Array buffers are freed by another thread after that, in its own time.
    await expect
      .poll(() => {
        returnFreedMemory();
        return before - residentMiB();
      })
      .toBeGreaterThan(MEBIBYTES / 2);
    expect(kept.every((piece) => piece.every((octet) => octet === 7))).toBe(true);
  });
});

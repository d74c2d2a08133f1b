import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./lock-holder.fixture.mjs', import.meta.url));

let checkout: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'weft-lock-spec-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(checkout, { recursive: true, force: true });
});

/** A process that takes the lock of a checkout; `lines` are what it says of itself. */
function holder(how: 'until-told' | 'for-a-moment' | 'and-die', directory = checkout) {
  const child = spawn(process.execPath, [PROGRAM, directory, how], { stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  const lines = new Set<string>();
  const watchers = new Set<() => void>();
  const exited = once(child, 'close').then(([code, signal]) => signal ?? code);
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.add(line);
      for (const look of watchers) look();
    });
  }
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if ([...lines].some((line) => line.includes(text))) resolve();
      };
      watchers.add(look);
      void exited.then((how) => reject(new Error(`ended (${how}) before it said "${text}": ${[...lines].join('; ')}`)));
      look();
    });
  return { child, says, lines, exited };
}

describe.runIf(process.platform === 'linux')('the lock of a set-up', () => {
  it('makes the second wait, saying for whom, until the first lets go', async () => {
    const first = holder('until-told');
    await first.says('held');
    const second = holder('until-told');
    await second.says(`Waiting for another set-up of this checkout (process ${first.child.pid}).`);
    expect(second.lines).not.toContain('held');
    first.child.stdin.end();
    await second.says('held');
    expect(await first.exited).toBe(0);
  });

  it('is free as soon as its owner has died', async () => {
    const first = holder('until-told');
    await first.says('held');
    const second = holder('until-told');
    await second.says('Waiting');
    first.child.kill('SIGKILL');
    await second.says('held');
    second.child.kill('SIGKILL');
    await second.exited;
    await holder('until-told').says('held');
  });

  it('of one checkout is not that of another', async () => {
    const other = mkdtempSync(path.join(tmpdir(), 'weft-lock-spec-'));
    try {
      await holder('until-told').says('held');
      await holder('until-told', other).says('held');
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('is held by one at a time, though many wait and some die with it', async () => {
    const hows = ['for-a-moment', 'and-die', 'for-a-moment', 'and-die', 'for-a-moment', 'for-a-moment'] as const;
    const all = hows.map((how) => holder(how));
    // Each says 0 when it was alone from beginning to end, 3 when somebody else was in there.
    expect(await Promise.all(all.map(({ exited }) => exited))).toEqual(
      hows.map((how) => (how === 'and-die' ? 'SIGKILL' : 0)),
    );
  });
});

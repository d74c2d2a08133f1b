// Two set-ups of one checkout at once would install and build over each other: the second waits for the first.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with a function that lets the next one in. A holder that died without doing so is recognised by its pid. */
export async function holdSetupLock(directory) {
  fs.mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'setup.lock');
  let said = false;
  while (!take(file)) {
    const holder = Number(readHolder(file));
    if (holder > 0 && !isAlive(holder)) {
      fs.rmSync(file, { force: true });
      continue;
    }
    if (!said) process.stderr.write(`Waiting for another set-up of this checkout (process ${holder}).\n`);
    said = true;
    await delay(POLL_MILLISECONDS);
  }
  return () => fs.rmSync(file, { force: true });
}

/** Linking a file that is complete is one step: nobody ever reads a lock without a holder. */
function take(file) {
  const mine = `${file}.${process.pid}`;
  fs.writeFileSync(mine, String(process.pid));
  try {
    fs.linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(mine, { force: true });
  }
}

function readHolder(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // released between the two looks
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const POLL_MILLISECONDS = 200;

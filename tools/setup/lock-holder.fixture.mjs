// usage: node lock-holder.fixture.mjs CHECKOUT until-told|for-a-moment|and-die
// Takes the lock of a checkout and says "held". For lock.spec.ts, which needs processes that end in every way.
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { holdSetupLock } from './lock.mjs';

const [checkout = '', how] = process.argv.slice(2);
const release = await holdSetupLock(checkout);
console.log('held');
if (how === 'until-told') {
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
} else {
  const alone = path.join(checkout, 'alone');
  try {
    fs.writeFileSync(alone, '', { flag: 'wx' });
  } catch {
    process.exit(3);
  }
  for (let turns = 0; turns < 100; turns += 1) await turn();
  fs.rmSync(alone);
  if (how === 'and-die') process.kill(process.pid, 'SIGKILL');
}
await release();

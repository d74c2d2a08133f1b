import { runSchedule } from '../test/ike/schedules.js';

/**
 * The model run of the IKEv2 engine: `npm run test:ike-schedules [first] [count]`, 10,000 schedules from seed 1 when not
 * told otherwise. Prints every schedule that breaks an invariant, and the totals; exit code 1 when one does.
 */
function main(first: number, count: number): number {
  const started = performance.now();
  const totals = { failed: 0, opened: 0, datagrams: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const { problems, trace, opened, datagrams } = runSchedule(seed);
    totals.opened += opened;
    totals.datagrams += datagrams;
    if (problems.length === 0) continue;
    totals.failed++;
    process.stdout.write(`seed ${seed}: ${problems.slice(0, 5).join('; ')}\n  ${trace.join(', ')}\n`);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const { failed, opened, datagrams } = totals;
  process.stdout.write(
    `${count - failed} schedules passed, ${failed} failed; ${datagrams} messages, ${opened} packets opened, ${seconds} s\n`,
  );
  return failed === 0 ? 0 : 1;
}

const [first = 1, count = 10_000] = process.argv.slice(2).map(Number);
process.exitCode = main(first, count);

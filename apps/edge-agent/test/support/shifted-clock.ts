import { readFileSync } from 'node:fs';

/**
 * Imported ahead of an agent: its wall clock, in every thread, is that of the machine and what stands in the file that
 * WEFT_TEST_CLOCK names, in milliseconds. Its monotonic clocks and timers are not touched, nor is that of the machine, by which
 * OpenSSL looks at certificates.
 */
const file = process.env['WEFT_TEST_CLOCK'];
if (file !== undefined) shift(file);

function shift(offsetFile: string): void {
  const MachineDate = Date;
  const now = () => MachineDate.now() + Number(readFileSync(offsetFile, 'utf8'));
  globalThis.Date = new Proxy(MachineDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new MachineDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}

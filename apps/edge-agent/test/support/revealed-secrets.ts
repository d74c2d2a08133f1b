import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { Secret } from '@weft/ipsec-core';

/**
 * Imported ahead of an agent: writes down every secret that one of its threads uses, in hex, into the file beside its state
 * directory whose name ends with `.revealed`. Everything that is secret is a `Secret`, and is used by being revealed.
 */
const stateDir = process.argv[process.argv.indexOf('--state-dir') + 1];
// Threads have another command line.
if (isMainThread) process.env['WEFT_TEST_REVEALED'] = `${stateDir}.revealed`;
const file = process.env['WEFT_TEST_REVEALED'] ?? '';
const known = new Set<string>();
const reveal = Secret.prototype.reveal;

Secret.prototype.reveal = function <T>(this: Secret, borrow: (octets: Uint8Array) => T): T {
  return reveal.call(this, (octets: Uint8Array) => {
    record(octets);
    return borrow(octets);
  }) as T;
};

function record(octets: Uint8Array): void {
  // One that was wiped is none any more.
  if (octets.length < 16 || octets.every((octet) => octet === 0)) return;
  const hex = Buffer.from(octets).toString('hex');
  if (known.has(hex)) return;
  known.add(hex);
  appendFileSync(file, `${hex}\n`);
}

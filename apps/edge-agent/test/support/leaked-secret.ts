import { Secret } from '@weft/ipsec-core';
import './revealed-secrets.js';

/** Imported ahead of an agent: it tells one of its keys, as a careless line of its log would. */
const reveal = Secret.prototype.reveal;
let leaked = false;

Secret.prototype.reveal = function <T>(this: Secret, borrow: (octets: Uint8Array) => T): T {
  return reveal.call(this, (octets: Uint8Array) => {
    if (!leaked && octets.length >= 32) {
      leaked = true;
      const debugged = { level: 'debug', msg: 'a key', key: Buffer.from(octets).toString('base64') };
      process.stdout.write(`${JSON.stringify(debugged)}\n`);
    }
    return borrow(octets);
  }) as T;
};

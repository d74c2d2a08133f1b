import type { Evp } from './evp.js';

/** An OpenSSL call failed that cannot fail with sound arguments: out of memory, or a mistake of ours. */
export class OpenSslError extends Error {
  override readonly name = 'OpenSslError';
  readonly call: keyof Evp;

  constructor(call: keyof Evp) {
    super(`${call} failed, which sound arguments cannot cause: report it with the version of Node`);
    this.call = call;
  }
}

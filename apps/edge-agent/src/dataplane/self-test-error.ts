/** What the packet path seals does not come back: the cryptography of this machine cannot be relied on. */
export class SelfTestError extends Error {
  override readonly name = 'SelfTestError';

  constructor(what: string) {
    super(`the packet path fails its self-test: ${what}; nothing is sent (report it, and try --data-path portable)`);
  }
}

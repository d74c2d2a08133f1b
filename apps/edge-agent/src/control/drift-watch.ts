import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { BundleInstaller } from './bundle-installer.js';

/** Looks again and again whether the machine is as the bundle in force wants it, and puts it back. One look at a time. */
export class DriftWatch {
  readonly #installer: Pick<BundleInstaller, 'repair'>;
  readonly #log: Log;
  readonly #after: (milliseconds: number, run: () => void) => () => void;
  #cancel: () => void = () => undefined;
  #repairs = 0;
  #failure: string | undefined;
  #stopped = false;

  constructor(
    installer: Pick<BundleInstaller, 'repair'>,
    log: Log,
    after: (milliseconds: number, run: () => void) => () => void,
  ) {
    this.#installer = installer;
    this.#log = log;
    this.#after = after;
  }

  /** How often something had to be put back. */
  get repairs(): number {
    return this.#repairs;
  }

  start(): void {
    if (!this.#stopped) this.#cancel = this.#after(LOOK_INTERVAL_MILLISECONDS, () => void this.#look());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    try {
      if (await this.#installer.repair()) this.#repairs++;
      this.#failure = undefined;
    } catch (error) {
      const reason = messageOf(error);
      // Said once, not with every look.
      if (reason !== this.#failure)
        this.#log.error({ reason }, 'the machine cannot be put back as the bundle wants it');
      this.#failure = reason;
    }
    this.start();
  }
}

/** As long may somebody else's change of our routes or our packet filter stand. Either alone keeps traffic in. */
export const LOOK_INTERVAL_MILLISECONDS = 10_000;

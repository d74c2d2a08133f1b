import { type Carried, IdleTunnels } from './idle-tunnels.js';

/** What it needs from its surroundings; tests bring their own. */
export interface IdleWatchParts {
  /** What tunnels have carried. */
  readonly carried: () => Promise<readonly Carried[]>;
  /** Tunnels that are up and may be idle for so many milliseconds, and no longer. */
  readonly allowed: () => ReadonlyMap<string, number>;
  readonly end: (tunnelId: string) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly clock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
}

/** Ends tunnels that have carried nothing for as long as they may. One look at a time. */
export class IdleWatch {
  readonly #parts: IdleWatchParts;
  readonly #idle = new IdleTunnels();
  #cancel: (() => void) | undefined;

  constructor(parts: IdleWatchParts) {
    this.#parts = parts;
  }

  /** Goes on until `stop`; does nothing when it does so already. */
  start(): void {
    this.#cancel ??= this.#parts.after(LOOK_INTERVAL, () => void this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #look(): Promise<void> {
    const { carried, allowed, end, onTrouble, clock } = this.#parts;
    try {
      const tunnels = await carried();
      // It was stopped meanwhile.
      if (this.#cancel === undefined) return;
      for (const tunnelId of this.#idle.look(allowed(), tunnels, clock())) end(tunnelId);
    } catch (error) {
      onTrouble(error);
    }
    if (this.#cancel === undefined) return;
    this.#cancel = undefined;
    this.start();
  }
}

/** How late it is noticed that a tunnel is idle. */
export const LOOK_INTERVAL = 5000;

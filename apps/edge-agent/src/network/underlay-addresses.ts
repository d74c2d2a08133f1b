import { spawn } from 'node:child_process';
import { parseAddress } from '@weft/ipsec-core';
import { z } from 'zod';
import { queryIp } from './ip-command.js';

/** Where the addresses come from; a test has others. */
export interface AddressSource {
  /** `ip -j address show`, parsed. */
  read(): Promise<unknown>;
  /** Calls `changed` whenever something may have changed, and `ended` once when it hears no more. @returns what stops it. */
  listen(changed: () => void, ended: (reason: string) => void): () => void;
}

export interface UnderlayAddressesParts {
  readonly source: AddressSource;
  /** The overlay: what protected packets come from has no address of the underlay. */
  readonly device: string;
  /** Told at first, and whenever they are others. */
  readonly onChange: (addresses: readonly Uint8Array[]) => void;
  /** Until it is over, changes are not seen, or late. */
  readonly onTrouble: (reason: string) => void;
  readonly after: (milliseconds: number, run: () => void) => () => void;
}

/**
 * The addresses that this machine can be reached at, as they come and go. The kernel says that something changed (rtnetlink,
 * by `ip monitor`); which addresses there are is then read anew, so that nothing depends on having heard every word. At most
 * one reading is under way, and one waits.
 */
export class UnderlayAddresses {
  /** Resolves when they have been read for the first time, or could not be. */
  readonly known: Promise<void>;
  readonly #parts: UnderlayAddressesParts;
  #told: string | undefined;
  #reading = false;
  #again = false;
  #stopped = false;
  /** Before it is listened again, milliseconds. */
  #pause = SHORTEST_PAUSE;
  #firstRead: () => void = () => undefined;
  #silence: () => void = () => undefined;
  #cancelPause: () => void = () => undefined;

  constructor(parts: UnderlayAddressesParts) {
    this.#parts = parts;
    this.known = new Promise((resolve) => {
      this.#firstRead = resolve;
    });
    this.#listen();
  }

  stop(): void {
    this.#stopped = true;
    this.#silence();
    this.#cancelPause();
  }

  #listen(): void {
    const { source, after, onTrouble } = this.#parts;
    this.#silence = source.listen(
      () => {
        this.#pause = SHORTEST_PAUSE;
        this.#look();
      },
      (reason) => {
        if (this.#stopped) return;
        onTrouble(reason);
        this.#cancelPause = after(this.#pause, () => this.#listen());
        this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
      },
    );
    // What changed before it listened.
    this.#look();
  }

  #look(): void {
    this.#again = this.#reading;
    if (this.#reading || this.#stopped) return;
    this.#reading = true;
    void this.#read().finally(() => {
      this.#reading = false;
      this.#firstRead();
      if (this.#again) this.#look();
    });
  }

  async #read(): Promise<void> {
    const { source, device, onChange, onTrouble } = this.#parts;
    try {
      const addresses = usableAddresses(await source.read(), device);
      const text = addresses.map((address) => address.join('.')).join(' ');
      if (this.#stopped || text === this.#told) return;
      this.#told = text;
      onChange(addresses);
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Reads `ip -j address show`: the global addresses of links that carry, in the kernel's order. Throws ZodError. */
export function usableAddresses(output: unknown, overlay: string): readonly Uint8Array[] {
  return Links.parse(output)
    .filter((link) => link !== undefined)
    .filter(({ ifname, flags }) => ifname !== overlay && flags.includes('LOWER_UP') && !flags.includes('LOOPBACK'))
    .flatMap(({ addr_info: addresses }) => addresses)
    .filter((address) => address !== undefined)
    .filter(({ scope, tentative, dadfailed }) => scope === 'global' && tentative !== true && dadfailed !== true)
    .map(({ local }) => parseAddress(local));
}

/**
 * The kernel's, by iproute2. What `ip monitor` prints is a hint and nothing more: it is not kept. One that outlives a killed
 * agent ends with its next line, which nobody reads.
 */
export const KERNEL_ADDRESSES: AddressSource = {
  read: () => queryIp(['address', 'show', 'up', 'scope', 'global']),
  listen(changed, ended) {
    const child = spawn('ip', ['monitor', 'address', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', changed);
    let over = false;
    const end = (reason: string) => {
      if (!over) ended(reason);
      over = true;
    };
    child.once('error', (error) => end(`ip monitor cannot be started: ${error.message}`));
    child.once('exit', (code) => end(`ip monitor ended with code ${code}`));
    return () => {
      over = true;
      child.kill('SIGKILL');
    };
  },
};

/** After the kernel, or iproute2, would not tell any more: longer each time until it told something. */
const SHORTEST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** Older iproute2 leaves an empty object for everything that its filter removed. */
const Empty = z.strictObject({}).transform(() => undefined);
const Address = z.object({
  local: z.string(),
  scope: z.string(),
  tentative: z.boolean().optional(),
  dadfailed: z.boolean().optional(),
});
const Link = z.object({
  ifname: z.string(),
  flags: z.array(z.string()),
  addr_info: z.array(z.union([Address, Empty])),
});
const Links = z.array(z.union([Link, Empty]));

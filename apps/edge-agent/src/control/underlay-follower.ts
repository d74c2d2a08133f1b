import { KERNEL_ADDRESSES, UnderlayAddresses } from '../network/underlay-addresses.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { BundleInstaller } from './bundle-installer.js';

/** Has the underlay go where this machine is, when it is not, or no longer, at the address of its bundle. */
export class UnderlayFollower {
  readonly #device: string;
  readonly #log: Log;
  #found: readonly Uint8Array[] = [];
  #addresses: UnderlayAddresses | undefined;

  /** `device` is that of the overlay. */
  constructor(device: string, log: Log) {
    this.#device = device;
    this.#log = log;
  }

  /** Where to begin without the configured address; undefined when the machine has none of its family. */
  elsewhere(configured: Uint8Array): Uint8Array | undefined {
    return underlayAddressOf(configured, this.#found);
  }

  /** Resolves when the addresses of the machine were read for the first time, or could not be. */
  async start(installer: Pick<BundleInstaller, 'addressesChanged'>): Promise<void> {
    const log = this.#log;
    this.#addresses = new UnderlayAddresses({
      source: KERNEL_ADDRESSES,
      device: this.#device,
      onChange: (found) => {
        this.#found = found;
        void installer
          .addressesChanged(found)
          .catch((error: unknown) => log.error({ reason: messageOf(error) }, 'the underlay cannot move'));
      },
      onTrouble: (reason) => log.warn({ reason }, 'changes of underlay addresses may be seen late'),
      after: (milliseconds, run) => {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
    });
    await this.#addresses.known;
  }

  stop(): void {
    this.#addresses?.stop();
  }
}

/** The configured address when the machine has it, else the first of its family. */
export function underlayAddressOf(configured: Uint8Array, addresses: readonly Uint8Array[]): Uint8Array | undefined {
  const family = addresses.filter((address) => address.length === configured.length);
  return family.find((address) => Buffer.compare(address, configured) === 0) ?? family[0];
}

import type { AddressRange } from '@weft/ipsec-core';
import { KERNEL_ADDRESSES, UnderlayAddresses } from '../network/underlay-addresses.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { OverlayPrefix } from './bundle/verified-bundle.js';
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
  elsewhere(configured: Uint8Array, localNetworks: readonly OverlayPrefix[]): Uint8Array | undefined {
    return underlayAddressOf(configured, this.#found, localNetworks);
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

/**
 * The configured address when the machine has it, else the first of its family that is in none of the networks behind the edge.
 * What comes from one of those is protected, and where the uplink is gone for a moment it has no business on the underlay: an
 * address there is taken only by an edge that has begun with one, or begins, and has no other, as with one interface behind a NAT.
 * @param now where the underlay is; undefined: it begins
 */
export function underlayAddressOf(
  configured: Uint8Array,
  addresses: readonly Uint8Array[],
  localNetworks: readonly Pick<OverlayPrefix, 'range'>[],
  now?: Uint8Array,
): Uint8Array | undefined {
  const family = addresses.filter((address) => address.length === configured.length);
  const isBehind = (address: Uint8Array) => localNetworks.some(({ range }) => isWithin(range, address));
  const best =
    family.find((address) => Buffer.compare(address, configured) === 0) ?? family.find((address) => !isBehind(address));
  return best ?? (now === undefined || isBehind(now) ? family[0] : undefined);
}

function isWithin({ first, last }: AddressRange, address: Uint8Array): boolean {
  return first.length === address.length && Buffer.compare(first, address) <= 0 && Buffer.compare(address, last) <= 0;
}

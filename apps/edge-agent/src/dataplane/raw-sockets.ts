import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import {
  type DatagramSocketOptions,
  type IpsecProtocol,
  openRawSocket,
  type RawSocket,
  SystemCallError,
} from '@weft/linux-io';

/** Why packets of an association cannot travel directly on IP here; the message says what to do. */
export class NativeUnavailableError extends Error {
  override readonly name = 'NativeUnavailableError';
  readonly code: 'NATIVE_PORTABLE' | 'NATIVE_REFUSED';

  constructor(code: NativeUnavailableError['code'], detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

/**
 * Raw sockets for ESP and AH that travel directly on IP: one for each family and protocol, opened when the first
 * association needs it. An edge whose tunnels all use ESP in UDP has none, and the kernel copies nothing for it.
 */
export class RawSockets {
  readonly #options: DatagramSocketOptions | undefined;
  readonly #open: RawSocket[] = [];

  /** Without options there are none to be had: the portable data path. */
  constructor(options: DatagramSocketOptions | undefined) {
    this.#options = options;
  }

  /** Those that are open. */
  get all(): readonly RawSocket[] {
    return this.#open;
  }

  /** One that sends packets of this family, of either protocol. */
  sender(family: 4 | 6): RawSocket | undefined {
    return this.#open.find((socket) => socket.family === family);
  }

  /** Opens what packets of this association need, if it is of those without UDP. Throws NativeUnavailableError. */
  require({ protocol, mode, outer }: Pick<SecurityAssociationParameters, 'protocol' | 'mode' | 'outer'>): void {
    if (outer !== undefined) this.#require(outer.local.length === 4 ? 4 : 6, protocol);
    else if (mode === 'transport') {
      // It protects packets of whatever family they are.
      this.#require(4, protocol);
      this.#require(6, protocol);
    }
  }

  close(): void {
    for (const socket of this.#open.splice(0)) socket.close();
  }

  #require(family: 4 | 6, protocol: IpsecProtocol): void {
    if (this.#open.some((socket) => socket.family === family && socket.protocol === protocol)) return;
    if (this.#options === undefined) {
      throw new NativeUnavailableError(
        'NATIVE_PORTABLE',
        `the portable data path has no raw sockets for ${protocol.toUpperCase()} without UDP: start the agent without ` +
          '--data-path portable, or let the tunnel use ESP in UDP',
      );
    }
    try {
      this.#open.push(openRawSocket(family, protocol, this.#options));
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // Nothing of IPv6 can come to a machine without it.
      if (family === 6 && error.code === 'EAFNOSUPPORT' && this.sender(4) !== undefined) return;
      throw new NativeUnavailableError('NATIVE_REFUSED', error.message, { cause: error });
    }
  }
}

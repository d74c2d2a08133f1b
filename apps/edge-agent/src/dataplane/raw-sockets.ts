import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import {
  openPacketTooBigSocket,
  openRawSocket,
  type RawProtocol,
  type RawSocket,
  type RawSocketOptions,
  rawSocketFromDescriptor,
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
 * association needs it. With several workers each has its own, which takes its share of ESP; all of AH is one worker's. An edge whose tunnels all use ESP in UDP has none, and the kernel copies nothing for it. They
 * outlive the thread that has opened them: the one that takes its place goes on with them.
 */
export class RawSockets {
  readonly #options: RawSocketOptions | undefined;
  readonly #open: RawSocket[] = [];
  readonly #held: Int32Array;
  /** Not to be asked for with every packet. */
  #refused = false;

  /**
   * Without options there are none to be had: the portable data path. `held`: memory that outlives the thread, one number
   * for each of KINDS: its descriptor and one, or 0.
   */
  constructor(options: RawSocketOptions | undefined, held: Int32Array) {
    this.#options = options;
    this.#held = held;
    for (const [index, { family, protocol }] of KINDS.entries()) {
      const fd = (held[index] ?? 0) - 1;
      if (fd >= 0) this.#open.push(rawSocketFromDescriptor(fd, family, protocol));
    }
  }

  /** Those that are open. */
  get all(): readonly RawSocket[] {
    return this.#open;
  }

  /** One that sends packets of this family, of either protocol. */
  sender(family: 4 | 6): RawSocket | undefined {
    return this.#open.find((socket) => socket.family === family && socket.protocol !== 'icmpv6');
  }

  /** Opens what packets of this association need, if it is of those without UDP. Throws NativeUnavailableError. */
  require({ protocol, mode, outer }: Pick<SecurityAssociationParameters, 'protocol' | 'mode' | 'outer'>): void {
    const family = outer === undefined ? undefined : outer.local.length === 4 ? 4 : 6;
    if (family === undefined && mode === 'tunnel') return;
    // Transport mode protects packets of whatever family they are.
    if (family !== 6) this.#require(4, protocol);
    if (family === 4) return;
    this.#require(6, protocol);
    if (protocol === 'ah') this.#require(6, 'icmpv6');
  }

  /** Opens what IP fragments of datagrams need. @returns false when that is not to be had here. */
  openForFragments(family: 4 | 6): boolean {
    if (this.sender(family) !== undefined) return true;
    if (this.#options === undefined || this.#refused) return false;
    try {
      this.#require(family, 'any');
    } catch (error) {
      if (!(error instanceof NativeUnavailableError)) throw error;
      this.#refused = true;
    }
    return this.sender(family) !== undefined;
  }

  close(): void {
    this.#held.fill(0);
    for (const socket of this.#open.splice(0)) socket.close();
  }

  #require(family: 4 | 6, protocol: RawProtocol): void {
    if (this.#open.some((socket) => socket.family === family && socket.protocol === protocol)) return;
    if (this.#options === undefined) {
      throw new NativeUnavailableError(
        'NATIVE_PORTABLE',
        `the portable data path has no raw sockets for ${protocol.toUpperCase()} without UDP: start the agent without ` +
          '--data-path portable, or let the tunnel use ESP in UDP',
      );
    }
    try {
      const socket =
        protocol === 'icmpv6' ? openPacketTooBigSocket(this.#options) : openRawSocket(family, protocol, this.#options);
      this.#open.push(socket);
      this.#held[KINDS.findIndex((kind) => kind.family === family && kind.protocol === protocol)] = socket.fd + 1;
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // Nothing of IPv6 can come to a machine without it.
      if (family === 6 && error.code === 'EAFNOSUPPORT' && this.sender(4) !== undefined) return;
      throw new NativeUnavailableError('NATIVE_REFUSED', error.message, { cause: error });
    }
  }
}

/** All that there can be. */
const KINDS: readonly { readonly family: 4 | 6; readonly protocol: RawProtocol }[] = [
  { family: 4, protocol: 'esp' },
  { family: 4, protocol: 'ah' },
  { family: 6, protocol: 'esp' },
  { family: 6, protocol: 'ah' },
  { family: 6, protocol: 'icmpv6' },
  { family: 4, protocol: 'any' },
  { family: 6, protocol: 'any' },
];
export const MAXIMUM_RAW_SOCKETS = KINDS.length;

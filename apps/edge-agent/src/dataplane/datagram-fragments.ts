import { randomFillSync } from 'node:crypto';
import { DatagramCutter } from '@weft/ipsec-core';
import { type Endpoint, type Memory, SOCKADDR_IN6_OCTETS } from '@weft/linux-io';
import type { RawSockets } from './raw-sockets.js';

/**
 * Datagrams that are larger than the path to their peer carries, and must arrive all the same (RFC 2473 section 7.2). The
 * kernel would cut them only if somebody had told it so: they are cut here, and leave by raw sockets.
 */
export class DatagramFragments {
  readonly #memory: Memory;
  readonly #sockets: Pick<RawSockets, 'openForFragments'>;
  readonly #cutter = new DatagramCutter((out) => randomFillSync(out));
  readonly #ipv4 = headerOf(4);
  readonly #ipv6 = headerOf(6);

  constructor(memory: Memory, sockets: Pick<RawSockets, 'openForFragments'>) {
    this.#memory = memory;
    this.#sockets = sockets;
  }

  /** Whether pieces wait. */
  get pending(): boolean {
    return this.#cutter.pending;
  }

  /**
   * Starts on the ESP packet of `length` octets at `offset` of the memory, from `local` to `remote` (a socket address), of
   * which no piece will have more than `limit` octets. @returns false when it cannot be cut here: then the socket has it.
   */
  begin(
    local: Endpoint | undefined,
    remote: Uint8Array,
    trafficClass: number,
    offset: number,
    length: number,
    limit: number,
  ): boolean {
    const header = remote.length === SOCKADDR_IN6_OCTETS ? this.#ipv6 : this.#ipv4;
    const { source, destination, family } = header;
    if (local?.address.length !== source.length || !this.#sockets.openForFragments(family)) return false;
    const at = family === 6 ? IPV6_ADDRESS : IPV4_ADDRESS;
    for (let i = 0; i < source.length; i++) {
      source[i] = local.address[i] ?? 0;
      destination[i] = remote[at + i] ?? 0;
    }
    const port = ((remote[PORT] ?? 0) << 8) | (remote[PORT + 1] ?? 0);
    const { bytes } = this.#memory;
    return this.#cutter.begin(header, local.port, port, trafficClass, bytes, offset, length, limit);
  }

  /** Writes the next piece, a whole IP packet, at `offset` of the memory. @returns its octets. */
  write(offset: number): number {
    return this.#cutter.write(this.#memory.bytes, offset);
  }
}

function headerOf<F extends 4 | 6>(family: F) {
  const octets = family === 4 ? 4 : 16;
  return { family, source: new Uint8Array(octets), destination: new Uint8Array(octets), hopLimit: HOP_LIMIT };
}

/** As the kernel's. */
const HOP_LIMIT = 64;
/** Within a socket address. */
const PORT = 2;
const IPV4_ADDRESS = 4;
const IPV6_ADDRESS = 8;

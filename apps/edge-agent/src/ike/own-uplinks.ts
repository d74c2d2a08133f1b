import type { Endpoint } from '@weft/ipsec-core/ike';
import type { UdpSocket } from '@weft/linux-io';
import type { IkeSockets } from './ike-sockets.js';

/** Where this edge is: the uplinks whose sockets IKE leaves by, in order of preference. */
export class OwnUplinks {
  readonly #sockets: IkeSockets;
  #preferred: Endpoint | undefined;
  /** In order of preference. */
  #others: readonly Endpoint[] = [];
  /** What this machine has of addresses, as far as is known. */
  #present: readonly Uint8Array[] | undefined;

  constructor(sockets: IkeSockets) {
    this.#sockets = sockets;
  }

  /** Undefined before the first bundle. */
  get preferred(): Endpoint | undefined {
    return this.#preferred;
  }

  /** Sockets of uplinks that there were are closed by the caller. */
  use(socket: UdpSocket, others: readonly UdpSocket[]): void {
    this.#preferred = socket.localEndpoint();
    this.#others = others.map((other) => other.localEndpoint());
    for (const each of [socket, ...others]) this.#sockets.useEncapsulated(each.localEndpoint(), each);
  }

  /** Nothing leaves from them any more. */
  leave(): void {
    for (const { address } of this.#all()) this.#sockets.closeAddress(address);
  }

  /** The machine has these addresses now. @returns whether that may say something about the uplinks */
  found(addresses: readonly Uint8Array[]): boolean {
    this.#present = addresses;
    return this.#others.length > 0;
  }

  /** What IKE SAs may use. Without several uplinks the socket is where the machine is. */
  addresses(): readonly Uint8Array[] {
    const all = this.#all().map(({ address }) => address);
    if (this.#others.length === 0 || this.#present === undefined) return all;
    const present = this.#present;
    const usable = all.filter((address) => present.some((other) => Buffer.compare(other, address) === 0));
    // With none left there is nothing to choose from: one of them may come back.
    return usable.length === 0 ? all : usable;
  }

  #all(): readonly Endpoint[] {
    return this.#preferred === undefined ? [] : [this.#preferred, ...this.#others];
  }
}

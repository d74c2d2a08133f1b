import type { Endpoint, UdpSocket } from '@weft/linux-io';

/** Where protected packets go: changes with the bundle. */
export interface Underlay {
  readonly socket: UdpSocket | undefined;
  /** Socket address of the peer, by tunnel. */
  readonly remotes: ReadonlyMap<string, Uint8Array>;
  /** What the socket is bound to; undefined: nobody needs to know. */
  readonly local?: Endpoint | undefined;
  /** Peers that are reached from another uplink, by their socket address as `remotes` has it; the others from `socket`. */
  readonly ways?: ReadonlyMap<Uint8Array, Uplink>;
}

/** A socket on an address of this machine. */
export interface Uplink {
  readonly socket: UdpSocket;
  readonly local: Endpoint;
}

/** The socket that packets for a peer leave by. */
export function socketFor({ socket, ways }: Underlay, remote: Uint8Array): UdpSocket | undefined {
  return ways?.get(remote)?.socket ?? socket;
}

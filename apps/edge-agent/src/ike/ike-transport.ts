import type { Endpoint } from '@weft/ipsec-core/ike';

/** IKE messages to and from the network. Markers (RFC 3948 section 2.2) stay below. */
export interface IkeTransport {
  /** @returns false when the datagram could not go: it is lost, and sent again when it is not answered. */
  send(local: Endpoint, remote: Endpoint, octets: Uint8Array, marker: boolean): boolean;
  /** Whom to tell of datagrams; one listener. */
  onDatagram(listener: DatagramListener): void;
}

export type DatagramListener = (local: Endpoint, remote: Endpoint, octets: Uint8Array) => void;

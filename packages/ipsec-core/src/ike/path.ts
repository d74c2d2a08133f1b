import { toHex } from '../bytes/hex.js';
import { type Endpoint, sameEndpoint } from './connection.js';
import type { IkeHost } from './host.js';

/** The two ends of the underlay that messages travel between, ours first. */
export interface Path {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** Off port 500, four zero octets tell IKE from ESP (RFC 3948 section 2.2); the host writes them. */
export function transmit(host: IkeHost, { local, remote }: Path, datagrams: readonly Uint8Array[]): void {
  for (const octets of datagrams) {
    host.emit({ kind: 'transmit', local, remote, octets, marker: local.port !== IKE_PORT });
  }
}

export function samePath(left: Path, right: Path): boolean {
  return sameEndpoint(left.local, right.local) && sameEndpoint(left.remote, right.remote);
}

/** The two addresses of a path, whatever its ports. */
export function pairOf({ local, remote }: Path): string {
  return `${toHex(local.address)} ${toHex(remote.address)}`;
}

export const IKE_PORT = 500;
/** RFC 7296 section 2.23: IKE and ESP in UDP. */
export const NAT_PORT = 4500;

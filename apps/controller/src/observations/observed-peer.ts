import { isIP } from 'node:net';
import type { TunnelStatus } from '@weft/contracts/southbound';
import type { ObservedPeer } from './tunnel-state.js';

/** Where an edge says that it meets the other end; null without an IKE SA, or when what it says is no endpoint. */
export function observedPeer(status: TunnelStatus | undefined): ObservedPeer | null {
  const remote = status?.ike?.remote;
  if (remote === undefined || isIP(remote.address) === 0 || remote.port < 1 || remote.port > 65_535) return null;
  return { address: remote.address, port: remote.port };
}

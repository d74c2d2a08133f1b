import type { ExternalEnd } from '../distribution/fabric-tunnels.js';
import { type NegotiatingEnd, WAITS_FOR_TRAFFIC } from './negotiated-condition.js';
import type { TunnelCondition } from './tunnel-state.js';

/** Whether a tunnel with an external peer is up, by the word of our edge alone, and if not why, for a person. */
export function externalCondition(
  { connected, status }: NegotiatingEnd,
  peer: Pick<ExternalEnd, 'address'>,
): { state: TunnelCondition; reason: string | null } {
  const { ike, inboundSpis = [], outboundSpi = 0 } = status ?? {};
  const installed = inboundSpis.length > 0 && outboundSpi !== 0;
  if (!connected) {
    const rest = installed ? '; it needs no controller to go on with its traffic.' : '.';
    return { state: 'down', reason: `The edge is not connected to the controller${rest}` };
  }
  if (installed) return { state: 'up', reason: null };
  if (ike !== undefined && ike.failure !== '') return { state: 'down', reason: `The edge reports: ${ike.failure}` };
  if (ike?.established) {
    return { state: 'establishing', reason: 'The IKE SA is established; the Child SA is being negotiated.' };
  }
  // Nobody calls a remote host.
  if (peer.address === null) return { state: 'waiting', reason: WAITS_FOR_HOST };
  if (ike?.waitsForTraffic) return { state: 'waiting', reason: WAITS_FOR_TRAFFIC };
  return { state: 'establishing', reason: 'The edge calls the gateway; there is no IKE SA yet.' };
}

const WAITS_FOR_HOST = 'It is negotiated when the host calls, which it has not, or has left.';

import { type NegotiatingEnd, WAITS_FOR_TRAFFIC } from './negotiated-condition.js';
import type { TunnelCondition } from './tunnel-state.js';

/** Whether a tunnel with a gateway that is not ours is up, by the word of our edge alone, and if not why, for a person. */
export function externalCondition({ connected, status }: NegotiatingEnd): {
  state: TunnelCondition;
  reason: string | null;
} {
  const { ike, inboundSpis = [], outboundSpi = 0 } = status ?? {};
  const installed = inboundSpis.length > 0 && outboundSpi !== 0;
  if (!connected) {
    const rest = installed ? '; it needs no controller to go on with its traffic.' : '.';
    return { state: 'down', reason: `The edge is not connected to the controller${rest}` };
  }
  if (installed) return { state: 'up', reason: null };
  if (ike !== undefined && ike.failure !== '') return { state: 'down', reason: `The edge reports: ${ike.failure}` };
  if (ike?.waitsForTraffic) return { state: 'waiting', reason: WAITS_FOR_TRAFFIC };
  const reason = ike?.established
    ? 'The IKE SA is established; the Child SA is being negotiated.'
    : 'The edge calls the gateway; there is no IKE SA yet.';
  return { state: 'establishing', reason };
}

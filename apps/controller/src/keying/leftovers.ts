import {
  type AssociationPair,
  type EndKeying,
  inboundSpi,
  otherSide,
  outboundSpi,
  type Side,
  type TunnelKeying,
} from './tunnel-keying.js';

/** Associations of one end to delete. */
export interface Leftovers {
  readonly inbound: readonly number[];
  readonly outbound: readonly number[];
}

/** Everything that an end may hold. */
export function wholeOf(end: Pick<EndKeying, 'inbound' | 'outbound'>): Leftovers {
  return { inbound: [...end.inbound.keys()], outbound: [...end.outbound.keys()] };
}

/**
 * What may be rolled back at an end now: outbound associations of failed attempts at once, inbound ones only when the
 * other end is certain not to send on them (RFC 9061 appendix D.2: first the new outbound, then the new inbound).
 */
export function abandonedLeftovers(state: Pick<TunnelKeying, 'ends' | 'abandoned'>, side: Side): Leftovers {
  const here = state.ends[side];
  const there = state.ends[otherSide(side)];
  return {
    outbound: state.abandoned.map((pair) => outboundSpi(pair, side)).filter((spi) => here.outbound.has(spi)),
    inbound: state.abandoned
      .map((pair) => inboundSpi(pair, side))
      .filter((spi) => here.inbound.has(spi) && !there.outbound.has(spi)),
  };
}

/** What both ends have stopped using because `current` is confirmed at both: all but it and failed attempts after it. */
export function supersededLeftovers(
  state: Pick<TunnelKeying, 'ends' | 'abandoned'>,
  current: AssociationPair,
  side: Side,
): Leftovers {
  const kept = [current, ...state.abandoned];
  const { inbound, outbound } = wholeOf(state.ends[side]);
  return {
    inbound: inbound.filter((spi) => kept.every((pair) => inboundSpi(pair, side) !== spi)),
    outbound: outbound.filter((spi) => kept.every((pair) => outboundSpi(pair, side) !== spi)),
  };
}

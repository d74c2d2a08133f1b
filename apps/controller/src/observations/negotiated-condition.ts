import type { TunnelStatus } from '@weft/contracts/southbound';
import { SIDES, type TunnelSpec } from '../keying/tunnel-keying.js';
import type { TunnelCondition } from './tunnel-state.js';

/** What one edge of a tunnel that the edges key themselves has said. */
export interface NegotiatingEnd {
  readonly connected: boolean;
  /** Why it does not run the bundle that it should; undefined when nobody refuses that. */
  readonly refusal?: string | undefined;
  readonly status: TunnelStatus | undefined;
}

/** Whether a tunnel whose keys the edges make is up, and if not why, for a person. */
export function negotiatedCondition(
  spec: TunnelSpec,
  ends: readonly [NegotiatingEnd, NegotiatingEnd],
): { state: TunnelCondition; reason: string | null } {
  const [one, other] = ends;
  const meets = sendsTo(one, other) && sendsTo(other, one);
  const away = SIDES.filter((side) => !ends[side].connected);
  if (away.length > 0) {
    const who = away.map((side) => spec.ends[side].name).join(' and ');
    const verb = away.length === 1 ? 'is' : 'are';
    const rest = meets ? '; the edges need no controller to go on with their traffic.' : '.';
    return { state: 'down', reason: `${who} ${verb} not connected to the controller${rest}` };
  }
  if (meets) return { state: 'up', reason: null };
  const refusing = SIDES.find((side) => ends[side].refusal !== undefined);
  if (refusing !== undefined) {
    const reason = `${spec.ends[refusing].name} does not run the bundle that holds the tunnel: ${ends[refusing].refusal}`;
    return { state: 'down', reason };
  }
  const failed = SIDES.find((side) => (ends[side].status?.ike?.failure ?? '') !== '');
  if (failed !== undefined) {
    return { state: 'down', reason: `${spec.ends[failed].name} reports: ${ends[failed].status?.ike?.failure}` };
  }
  // Either may be the first to say so, or to have ended what nothing passed on.
  if (ends.some(({ status }) => status?.ike?.waitsForTraffic)) return { state: 'waiting', reason: WAITS_FOR_TRAFFIC };
  const what = spec.keyingMode === 'ikev2' ? 'are negotiating' : 'are agreeing on keys';
  return { state: 'establishing', reason: `The edges ${what}.` };
}

export const WAITS_FOR_TRAFFIC = 'It is negotiated when there is traffic for it, and there is none.';

/** What one sends on, the other receives on. */
function sendsTo({ status: from }: NegotiatingEnd, { status: to }: NegotiatingEnd): boolean {
  return from !== undefined && from.outboundSpi !== 0 && (to?.inboundSpis.includes(from.outboundSpi) ?? false);
}

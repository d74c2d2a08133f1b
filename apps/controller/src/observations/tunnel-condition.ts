import { SIDES, type TunnelKeying } from '../keying/tunnel-keying.js';
import type { TunnelCondition } from './tunnel-state.js';

/** Whether a tunnel is up, and if not why, for a person. */
export function tunnelCondition(keying: TunnelKeying | undefined): { state: TunnelCondition; reason: string | null } {
  if (keying === undefined) return { state: 'down', reason: 'The tunnel is being removed.' };
  const name = (side: 0 | 1) => keying.spec.ends[side].name;
  const away = SIDES.filter((side) => !keying.ends[side].connected);
  if (away.length > 0) {
    const who = away.map(name).join(' and ');
    const verb = away.length === 1 ? 'is' : 'are';
    const rest = keying.current === undefined ? '.' : '; traffic may continue on the installed associations.';
    return { state: 'down', reason: `${who} ${verb} not connected to the controller${rest}` };
  }
  if (keying.current !== undefined) return { state: 'up', reason: null };
  const unready = SIDES.filter((side) => !keying.ends[side].ready);
  if (unready.length > 0) {
    const who = unready.map(name).join(' and ');
    return { state: 'establishing', reason: `${who} has yet to apply the bundle that holds the tunnel.` };
  }
  if (keying.attempt === undefined && keying.lastFailure !== undefined) {
    return { state: 'down', reason: `The last attempt failed and is repeated: ${keying.lastFailure.reason}.` };
  }
  return { state: 'establishing', reason: 'Security associations are being installed at both edges.' };
}

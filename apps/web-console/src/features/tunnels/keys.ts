import type { Tunnel } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

/** Who made the keys of a tunnel, with what, and what that is worth. */
export interface TunnelKeys {
  readonly madeWith: string;
  /** Absent where there is nothing to claim: no keys yet, or keys that no key exchange made. */
  readonly strength?: { readonly tone: Tone; readonly label: string };
}

export function keysOf({ keyingMode, keyExchange }: Pick<Tunnel, 'keyingMode' | 'keyExchange'>): TunnelKeys {
  if (keyingMode === 'ike-less') return { madeWith: 'the controller' };
  if (keyExchange === null) return { madeWith: 'not agreed yet' };
  const { methods, ppk, postQuantum } = keyExchange;
  const madeWith = [...methods, ...(ppk ? ['preshared key'] : [])].join(' + ');
  return { madeWith, strength: postQuantum ? POST_QUANTUM : CLASSICAL };
}

const POST_QUANTUM = { tone: 'up', label: 'post-quantum' } as const;
const CLASSICAL = { tone: 'idle', label: 'classical' } as const;

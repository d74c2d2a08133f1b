import type { EdgeBlind } from '../../src/blind/edge-blind.js';

/** Of an edge without tunnels whose key shares are relayed. */
export const NO_BLIND: Pick<
  EdgeBlind,
  'apply' | 'lifetimeEnded' | 'connected' | 'disconnected' | 'writable' | 'message'
> = {
  apply: async () => undefined,
  lifetimeEnded: () => false,
  connected: () => undefined,
  disconnected: () => undefined,
  writable: () => undefined,
  message: () => undefined,
};

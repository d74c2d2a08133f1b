import type { IkeEvent } from '@weft/ipsec-core/ike';
import type { ConnectionSpec } from './connection-spec.js';

/** What the runner asks of the edge process. */
export type EdgeRequest =
  | { readonly kind: 'configure'; readonly spec: ConnectionSpec }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'status' };

/** What the edge process says. */
export type EdgeMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly result?: unknown; readonly error?: string }
  | { readonly kind: 'event'; readonly event: IkeEvent }
  | { readonly kind: 'installed'; readonly inboundSpi: number }
  | { readonly kind: 'install-failed'; readonly inboundSpi: number; readonly reason: string };

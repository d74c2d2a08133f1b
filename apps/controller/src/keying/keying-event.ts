import type { KeyingMaterial } from './keying-material.js';
import type { KeyingCommand, Side, TunnelSpec } from './tunnel-keying.js';

/** What can happen to a tunnel. */
export type KeyingEvent =
  /** An end said Hello; these are all its associations of the tunnel. */
  | {
      readonly kind: 'connected';
      readonly side: Side;
      readonly inbound: readonly number[];
      readonly outbound: readonly number[];
    }
  | { readonly kind: 'lost'; readonly side: Side }
  /** The end runs a bundle that holds the tunnel as the spec says it. */
  | { readonly kind: 'ready'; readonly side: Side }
  /** The end runs a bundle that holds the tunnel otherwise, or none that is known. */
  | { readonly kind: 'unready'; readonly side: Side }
  /** The end runs a bundle without the tunnel: it has dropped the associations. */
  | { readonly kind: 'dropped'; readonly side: Side }
  | {
      readonly kind: 'answered';
      readonly side: Side;
      readonly commandId: string;
      readonly rejection: { readonly rule: string; readonly reason: string } | undefined;
    }
  /** An association reached its soft lifetime. */
  | { readonly kind: 'expiring'; readonly side: Side; readonly inbound: boolean; readonly spi: number }
  | { readonly kind: 'wanted'; readonly spec: TunnelSpec }
  | { readonly kind: 'unwanted' }
  /** Time has passed. */
  | { readonly kind: 'tick' };

/** What to do after an event, in this order. */
export type KeyingEffect =
  | { readonly kind: 'command'; readonly side: Side; readonly commandId: string; readonly command: KeyingCommand }
  /** End the session: the edge did not answer in time, and only its next Hello can say what it did. */
  | { readonly kind: 'disconnect'; readonly side: Side; readonly reason: string }
  | { readonly kind: 'wipe'; readonly keys: KeyingMaterial }
  /** One sentence for the log. */
  | { readonly kind: 'story'; readonly level: 'info' | 'warn'; readonly story: string };

/** Time and randomness, from outside. */
export interface KeyingEnvironment {
  /** Milliseconds of a monotonic clock. */
  readonly now: number;
  /** A fresh SPI, 256 or more, that the end does not use for receiving on any tunnel. */
  spi(side: Side): number;
  keyingMaterial(): KeyingMaterial;
}

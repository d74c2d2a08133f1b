import type { ChildConfiguration } from './connection.js';
import type { ChildAssociation } from './outputs.js';

/** One Child SA pair, from its installation to its removal. */
export interface ChildSa {
  /** Its endpoints change when the path does; nothing else of it ever does. */
  association: ChildAssociation;
  configuration: ChildConfiguration;
  /** What at most one SA pair stands for. */
  readonly policy: string;
  readonly creator: 'us' | 'peer';
  readonly madeAt: number;
  /** Of the exchange that made it: what section 2.8.1 compares. */
  readonly lowestNonce: Uint8Array;
  phase: ChildPhase;
  /** When its phase ends by itself: see CHILD_PHASES. */
  dueAt: number;
  /** Traffic goes out through it, or did; false until the peer is known to have its end. Never taken back. */
  outboundInUse: boolean;
  /** The peer's rekey of it that we granted: its nonces decide when ours is under way, too. */
  rival: { readonly lowestNonce: Uint8Array } | undefined;
  /** What replaced it, or is about to: the peer's rekey of it that we granted, or ours that was. */
  successor: ChildSa | undefined;
  /** How often the peer refused to replace it. */
  refusals: number;
  /** It left, and another one of its policy goes on: packets on their way to it are still welcome. */
  handedOver: boolean;
  /** Somebody asked to delete what it replaces, before that could be done: it goes as soon as it is in use. */
  condemned: boolean;
}

export type ChildPhase = keyof typeof CHILD_PHASES;

/** What a Child SA can be, and what happens when its time comes. */
export const CHILD_PHASES = {
  live: 'we rekey it',
  replaced: 'the peer was to delete it and did not: we do',
  deleting: 'never comes: our Delete is queued or under way',
  lingering: 'its inbound half goes: packets on their way have arrived',
  gone: 'never comes: it is not installed any more',
} as const;

/** "an octet-by-octet comparison"; of different lengths that agree so far, the shorter is lower (section 2.8.1). */
export function compareNonces(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function lowerNonce(left: Uint8Array, right: Uint8Array): Uint8Array {
  return compareNonces(left, right) <= 0 ? left : right;
}

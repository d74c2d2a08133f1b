import type { BundleAhProfile, BundleEspProfile, KeyingMode } from '@weft/fabric-compiler';
import type { KeyingMaterial } from './keying-material.js';

/** Index of one of the two ends of a tunnel. */
export type Side = 0 | 1;
export const SIDES: readonly Side[] = [0, 1];

export function otherSide(side: Side): Side {
  return side === 0 ? 1 : 0;
}

/** What the associations of a tunnel are made for; another one makes other associations. */
export interface TunnelSpec {
  readonly ends: readonly [TunnelEndSpec, TunnelEndSpec];
  /** Who makes its keys. Those of the edges' making are none of the keying service's business. */
  readonly keyingMode: KeyingMode;
  readonly profile: TunnelProfile;
}

export interface TunnelEndSpec {
  readonly edgeId: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Of AH, and in transport mode, the controller makes no keys: the edges negotiate. */
export type TunnelProfile =
  | (Required<Omit<BundleEspProfile, 'mode'>> & Pick<BundleEspProfile, 'mode'>)
  | BundleAhProfile;

/** Two associations, one per direction: `spis[side]` is for receiving at `side` and for sending at the other. */
export interface AssociationPair {
  readonly spis: readonly [number, number];
}

/** `keys[side]` protects what travels towards `side`. */
export type PairKeys = readonly [KeyingMaterial, KeyingMaterial];

/**
 * SPIs that an end may hold. `confirmed`: it said so. `possible`: it was told to and has not answered.
 * What is absent is certainly not there.
 */
export type Knowledge = ReadonlyMap<number, 'possible' | 'confirmed'>;

export interface EndKeying {
  readonly connected: boolean;
  /** Connected, and the bundle that it runs holds the tunnel as the spec says it. */
  readonly ready: boolean;
  /** The one command that waits for an answer. */
  readonly pending: PendingCommand | undefined;
  readonly inbound: Knowledge;
  readonly outbound: Knowledge;
  /** No deletion is sent before this time, in milliseconds. */
  readonly deleteNotBefore: number;
}

export interface PendingCommand {
  readonly commandId: string;
  readonly command: KeyingCommand;
  readonly deadline: number;
  /** The deadline has passed and the session is being ended. */
  readonly overdue: boolean;
}

/** One step of RFC 9061 appendix D at one end. */
export type KeyingCommand =
  | { readonly step: 'install_inbound'; readonly spi: number; readonly keys: KeyingMaterial }
  | { readonly step: 'install_outbound'; readonly spi: number; readonly keys: KeyingMaterial }
  | { readonly step: 'delete'; readonly inbound: readonly number[]; readonly outbound: readonly number[] };

/** New associations on their way: first inbound at both ends, then outbound at both. */
export interface Attempt {
  readonly step: 'inbound' | 'outbound';
  readonly pair: AssociationPair;
  readonly keys: PairKeys;
}

export interface KeyingFailure {
  readonly side: Side;
  /** One sentence. */
  readonly reason: string;
}

/** All that the controller knows of the keying of one tunnel. A value: `advanceTunnel` makes the next one. */
export interface TunnelKeying {
  readonly tunnelId: string;
  readonly spec: TunnelSpec;
  /** False once the newest revision has no such tunnel. */
  readonly wanted: boolean;
  readonly ends: readonly [EndKeying, EndKeying];
  readonly attempt: Attempt | undefined;
  /** The pair that both ends have confirmed in both directions. */
  readonly current: AssociationPair | undefined;
  /** Pairs of failed attempts of which traces may remain; rolled back, outbound before inbound. */
  readonly abandoned: readonly AssociationPair[];
  /** `current` works but is to be replaced. */
  readonly rekeyWanted: boolean;
  /** Nothing that `current` replaced is deleted before this time. */
  readonly retireNotBefore: number;
  /** No attempt begins before this time. */
  readonly attemptNotBefore: number;
  /** Failed attempts in a row, and why the last one failed. */
  readonly failures: number;
  readonly lastFailure: KeyingFailure | undefined;
  readonly commandsSent: number;
  /** Times that working associations were replaced. */
  readonly rekeys: number;
}

/** A tunnel of which nothing is known yet. */
export function newTunnelKeying(tunnelId: string, spec: TunnelSpec): TunnelKeying {
  return {
    tunnelId,
    spec,
    wanted: true,
    ends: [UNKNOWN_END, UNKNOWN_END],
    attempt: undefined,
    current: undefined,
    abandoned: [],
    rekeyWanted: false,
    retireNotBefore: 0,
    attemptNotBefore: 0,
    failures: 0,
    lastFailure: undefined,
    commandsSent: 0,
    rekeys: 0,
  };
}

export function inboundSpi(pair: AssociationPair, side: Side): number {
  return pair.spis[side];
}

export function outboundSpi(pair: AssociationPair, side: Side): number {
  return pair.spis[otherSide(side)];
}

/** True when nothing more is to be done for a tunnel that nobody wants. */
export function isFinished(state: TunnelKeying): boolean {
  return !state.wanted && state.ends.every((end) => !end.connected || (end.pending === undefined && isBare(end)));
}

function isBare(end: EndKeying): boolean {
  return end.inbound.size === 0 && end.outbound.size === 0;
}

const UNKNOWN_END: EndKeying = {
  connected: false,
  ready: false,
  pending: undefined,
  inbound: new Map(),
  outbound: new Map(),
  deleteNotBefore: 0,
};

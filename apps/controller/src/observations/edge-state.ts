/** Names one bundle of an edge. */
export interface BundleReference {
  readonly revision: number;
  readonly generation: number;
  /** SHA-256 of the content, lower-case hex. */
  readonly hash: string;
}

/** Why an edge refused its last bundle. */
export interface BundleRejection {
  readonly path: string;
  readonly rule: string;
  readonly reason: string;
}

export interface DropCounter {
  readonly reason: string;
  readonly packets: number;
}

/** What the controller knows of an edge now. */
export interface EdgeState {
  readonly connected: boolean;
  readonly connectedSince: Date | null;
  /** Of the live or, after it, of the last session since the controller started. */
  readonly agentVersion: string | null;
  /** Null before the first revision that holds the edge. */
  readonly desired: BundleReference | null;
  /** What the edge is known to run; survives restarts of the controller. */
  readonly applied: BundleReference | null;
  /** Connected and running exactly the desired bundle. */
  readonly inSync: boolean;
  /** Null unless the desired bundle was refused. */
  readonly lastRejection: BundleRejection | null;
  readonly drops: readonly DropCounter[];
}

/** State of an edge that no revision holds and that has not been seen. */
export const UNKNOWN_EDGE_STATE: EdgeState = {
  connected: false,
  connectedSince: null,
  agentVersion: null,
  desired: null,
  applied: null,
  inSync: false,
  lastRejection: null,
  drops: [],
};

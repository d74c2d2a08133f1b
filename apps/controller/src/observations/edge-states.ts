import { Injectable } from '@nestjs/common';
import { Distribution } from '../distribution/distribution.js';
import { type EdgeAssignment, standingRejection } from '../distribution/edge-assignment.js';
import { FabricStore } from '../distribution/fabric-store.js';
import { SessionRegistry } from '../southbound/session-registry.js';
import { type BundleReference, type EdgeState, UNKNOWN_EDGE_STATE } from './edge-state.js';
import { safeNumber } from './rates.js';
import { StatusReports } from './status-reports.js';

/** What the controller knows of edges now. */
@Injectable()
export class EdgeStates {
  readonly #store: FabricStore;
  readonly #distribution: Distribution;
  readonly #sessions: SessionRegistry;
  readonly #reports: StatusReports;

  constructor(store: FabricStore, distribution: Distribution, sessions: SessionRegistry, reports: StatusReports) {
    this.#store = store;
    this.#distribution = distribution;
    this.#sessions = sessions;
    this.#reports = reports;
  }

  /** State of an edge, also of one that has never been seen. */
  of(edgeId: string): EdgeState {
    const session = this.#sessions.of(edgeId);
    const assignment = this.#store.assignment(edgeId);
    const rejection = assignment === undefined ? undefined : standingRejection(assignment);
    const drops = this.#reports.of(edgeId)?.last.drops ?? [];
    const runningHash = this.#distribution.running(edgeId)?.contentHash;
    return {
      ...UNKNOWN_EDGE_STATE,
      connected: session !== undefined,
      connectedSince: session?.connectedSince ?? null,
      agentVersion: this.#sessions.lastAgentVersion(edgeId) ?? null,
      desired: assignment === undefined ? null : referenceOf(assignment.desired),
      applied: assignment === undefined ? null : appliedOf(assignment, session !== undefined, runningHash),
      inSync:
        session !== undefined && runningHash !== undefined && (assignment?.desired.hash.equals(runningHash) ?? false),
      lastRejection:
        rejection === undefined ? null : { path: rejection.path, rule: rejection.rule, reason: rejection.reason },
      drops: drops.map(({ reason, packets }) => ({ reason, packets: safeNumber(packets) })),
    };
  }
}

/** A connected edge is asked; one that is not is remembered. */
function appliedOf(
  { desired, applied }: EdgeAssignment,
  connected: boolean,
  runningHash: Uint8Array | undefined,
): BundleReference | null {
  const known = applied === undefined ? null : { ...referenceOf(applied) };
  if (!connected) return known;
  if (runningHash === undefined) return null;
  if (desired.hash.equals(runningHash)) return referenceOf(desired);
  return applied?.hash.equals(runningHash) ? known : null;
}

function referenceOf(bundle: { revision: number; generation: bigint; hash: Buffer }): BundleReference {
  return { revision: bundle.revision, generation: safeNumber(bundle.generation), hash: bundle.hash.toString('hex') };
}

import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { BundleAck, BundleNack, Hello, RunningBundle } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { KeyShareRelay } from '../key-shares/key-share-relay.js';
import { KeyingService } from '../keying/keying-service.js';
import { StatusReports } from '../observations/status-reports.js';
import { BundleSigner } from '../pki/bundle-signer.js';
import { ControllerEpoch } from '../platform/database/controller-epoch.js';
import { InjectLogger } from '../platform/logging/logger.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { SessionRegistry } from '../southbound/session-registry.js';
import { BundleDeliveries } from './bundle-deliveries.js';
import { standingRejection } from './edge-assignment.js';
import { MASS_REMOVAL, sameSource } from './edge-bundles.repository.js';
import { FabricStore, RevisionRefusedError } from './fabric-store.js';
import { keyedBlindly, keyedHere, tunnelSpecs } from './fabric-tunnels.js';
import { PreSharedKeys } from './pre-shared-keys.js';
import { takenBy } from './taken-bundle.js';

/** Why a tenant's newest revision is not in force. */
export interface DistributionFailure {
  readonly revision: number | null;
  readonly message: string;
}

/**
 * Brings every tenant's newest revision to its edges. `revisionPublished` and the database's notification are hints
 * that make it quick; polling by revision number makes it certain. A failure leaves the previous desired state.
 */
@Injectable()
export class Distribution implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #store: FabricStore;
  readonly #keying: KeyingService;
  readonly #relay: KeyShareRelay;
  readonly #sessions: SessionRegistry;
  readonly #reports: StatusReports;
  readonly #deliveries: BundleDeliveries;
  readonly #logger: Logger;
  readonly #failures = new Map<string, DistributionFailure>();
  /** Per tenant: the run under way, and the one that begins after it. */
  readonly #runs = new Map<string, { readonly current: Promise<void>; next: Promise<void> | undefined }>();
  #poll: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #pollFails = false;
  #stopped = false;

  constructor(
    store: FabricStore,
    keying: KeyingService,
    relay: KeyShareRelay,
    sessions: SessionRegistry,
    reports: StatusReports,
    signer: BundleSigner,
    epoch: ControllerEpoch,
    keys: PreSharedKeys,
    @InjectLogger() logger: Logger,
  ) {
    this.#store = store;
    this.#keying = keying;
    this.#relay = relay;
    this.#sessions = sessions;
    this.#reports = reports;
    this.#logger = logger.child({ component: 'distribution' });
    this.#deliveries = new BundleDeliveries({
      store,
      signer,
      epoch,
      keys,
      logger: this.#logger,
      bundleRunning: (edgeId, bundle) => {
        keying.bundleRunning(edgeId, bundle);
        relay.bundleRunning(edgeId, bundle);
      },
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    for (const tenantId of await this.#store.load()) this.#retarget(tenantId);
    await this.#catchUp();
    await this.#store.onRevision(() => this.#pollNow());
    this.#schedulePoll();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#poll);
    this.#deliveries.stop();
    await this.#polling;
    await Promise.all([...this.#runs.values()].map(({ current, next }) => next ?? current));
  }

  /**
   * Compiles the newest revision of a tenant and pushes what changed. Resolves when the pushes are on their way;
   * never rejects: a failure is logged, kept for `failure` and tried again.
   */
  revisionPublished(tenantId: string): Promise<void> {
    const run = this.#runs.get(tenantId);
    if (run !== undefined) {
      // What is under way may have read the revision before this one: one more run covers all that came meanwhile.
      run.next ??= run.current.then(() => this.#startRun(tenantId));
      return run.next;
    }
    return this.#startRun(tenantId);
  }

  /**
   * Ends the sessions of edges whose certificates are not in force any more, and has the others of the tenant drop them.
   * Resolves when the pushes are on their way; never rejects: polling repeats what fails.
   */
  async credentialsChanged(tenantId: string): Promise<void> {
    try {
      await this.#endRevokedSessions();
    } catch (error) {
      this.#logger.warn({ err: error, tenantId }, 'sessions of revoked edges are not ended; polling tries it again');
    }
    await this.revisionPublished(tenantId);
  }

  /** Why the newest revision of the tenant is not in force; undefined when it is. */
  failure(tenantId: string): DistributionFailure | undefined {
    return this.#failures.get(tenantId);
  }

  /** Edges of the tenant that refuse the bundle that they should run, because too much is gone with it. */
  refusingRemovals(tenantId: string): readonly string[] {
    return this.#store
      .assignmentsOf(tenantId)
      .filter((assignment) => standingRejection(assignment)?.rule === MASS_REMOVAL)
      .map(({ edgeId }) => edgeId);
  }

  /** What a connected edge runs, by its own word. */
  running(edgeId: string): RunningBundle | undefined {
    return this.#deliveries.running(edgeId);
  }

  /** True while a push waits for its answer. */
  isPushing(edgeId: string): boolean {
    return this.#deliveries.isPushing(edgeId);
  }

  async sessionOpened(session: EdgeSession, hello: Hello): Promise<void> {
    this.#store.agentTakes(session.edgeId, takenBy(hello));
    this.#deliveries.open(session, hello);
    this.#keying.sessionOpened(session, hello.associations);
    this.#relay.sessionOpened(session, hello.keyingModes);
    await this.#deliveries.begin(session, hello);
  }

  sessionClosed(session: EdgeSession): void {
    if (!this.#deliveries.close(session)) return;
    this.#keying.sessionClosed(session);
    this.#relay.sessionClosed(session);
  }

  /** Throws ProtocolError when it answers no push, or another one. */
  acknowledged(session: EdgeSession, ack: BundleAck): Promise<void> {
    return this.#deliveries.acknowledged(session, ack);
  }

  /** Throws ProtocolError when it answers no push, or another one. */
  refused(session: EdgeSession, nack: BundleNack): Promise<void> {
    return this.#deliveries.refused(session, nack);
  }

  #startRun(tenantId: string): Promise<void> {
    const current = this.#distribute(tenantId).finally(() => {
      if (this.#runs.get(tenantId)?.current === current) this.#runs.delete(tenantId);
    });
    this.#runs.set(tenantId, { current, next: undefined });
    return current;
  }

  async #distribute(tenantId: string): Promise<void> {
    const before = this.#store.assignmentsOf(tenantId);
    try {
      await this.#store.compileNewest(tenantId);
      this.#failures.delete(tenantId);
    } catch (error) {
      this.#reportFailure(tenantId, error);
      return;
    }
    if (this.#stopped) return;
    for (const { edgeId } of before) {
      if (this.#store.assignment(edgeId) === undefined) this.#forget(edgeId);
    }
    this.#retarget(tenantId);
    for (const session of this.#sessions.all()) {
      if (session.tenantId === tenantId) this.#deliveries.deliver(session.edgeId);
    }
  }

  #forget(edgeId: string): void {
    this.#sessions.forget(edgeId);
    this.#deliveries.forget(edgeId);
    this.#reports.forget(edgeId);
  }

  #retarget(tenantId: string): void {
    // Of what edges negotiate there is nothing to be done here, and there may be hundreds of thousands.
    const specs = tunnelSpecs(this.#store.assignmentsOf(tenantId), ['ike-less', 'controller-blind']);
    this.#keying.retarget(tenantId, keyedHere(specs));
    const relayed = [...keyedBlindly(specs)].map(([id, { ends }]) => [id, [ends[0].edgeId, ends[1].edgeId]] as const);
    this.#relay.retarget(tenantId, new Map(relayed));
  }

  #reportFailure(tenantId: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const revision = error instanceof RevisionRefusedError ? error.revision : null;
    // Polling repeats it; the log says it once.
    if (this.#failures.get(tenantId)?.message !== message) {
      this.#logger.error({ err: error, tenantId }, 'the newest revision is not distributed; edges keep their bundles');
    }
    this.#failures.set(tenantId, { revision, message });
  }

  async #catchUp(): Promise<void> {
    const newest = await this.#store.newestSources();
    const behind = [...newest].filter(([tenantId, source]) => !sameSource(this.#store.compiledFrom(tenantId), source));
    await Promise.all(behind.map(([tenantId]) => this.revisionPublished(tenantId)));
  }

  async #endRevokedSessions(): Promise<void> {
    const sessions = this.#sessions.all();
    if (sessions.length === 0) return;
    const inForce = await this.#store.certificatesInForce(sessions.map(({ certificateSerial }) => certificateSerial));
    for (const session of sessions) {
      if (inForce.has(session.certificateSerial)) continue;
      session.end(
        'UNAUTHENTICATED',
        'the certificate of this edge was revoked, superseded by a later enrollment, or the edge was deleted; if this edge is to come back, make a new enrollment token in the console and run `weft-edge enroll`',
      );
    }
  }

  #schedulePoll(): void {
    if (this.#stopped) return;
    clearTimeout(this.#poll);
    this.#poll = setTimeout(() => this.#pollNow(), POLL_INTERVAL_MILLISECONDS);
  }

  /** After the poll under way, if there is one. */
  #pollNow(): void {
    this.#polling = this.#polling.then(() => this.#pollOnce());
  }

  async #pollOnce(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#catchUp();
      await this.#endRevokedSessions();
      // Whatever kept a bundle from an edge when it was due, it gets it now.
      for (const { edgeId } of this.#sessions.all()) this.#deliveries.deliver(edgeId);
      this.#pollFails = false;
    } catch (error) {
      // Once per outage, not once per poll.
      if (!this.#pollFails) this.#logger.warn({ err: error }, 'polling for revisions fails; edges keep their bundles');
      this.#pollFails = true;
    }
    this.#schedulePoll();
  }
}

/** A revision published by another controller is noticed after this long at the latest. */
const POLL_INTERVAL_MILLISECONDS = 1_000;

import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type {
  Bundle,
  BundleAck,
  BundleNack,
  Hello,
  KeyingMode,
  PreSharedKey,
  RunningBundle,
} from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { KeyShareRelay } from '../key-shares/key-share-relay.js';
import { KeyingService } from '../keying/keying-service.js';
import { StatusReports } from '../observations/status-reports.js';
import { BundleSigner } from '../pki/bundle-signer.js';
import { ControllerEpoch } from '../platform/database/controller-epoch.js';
import { InjectLogger } from '../platform/logging/logger.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { malformed } from '../southbound/protocol-error.js';
import { checkAck, checkNack } from '../southbound/session-messages.js';
import { SessionRegistry } from '../southbound/session-registry.js';
import { shouldPush } from './bundle-delivery.js';
import {
  type DesiredBundle,
  type EdgeAssignment,
  type RecordedRejection,
  standingRejection,
} from './edge-assignment.js';
import { MASS_REMOVAL, sameSource } from './edge-bundles.repository.js';
import { FabricStore, RevisionRefusedError } from './fabric-store.js';
import { keyedBlindly, keyedHere, tunnelSpecs } from './fabric-tunnels.js';
import { KEYING_NOT_OFFERED, keyingNotOffered } from './offered-keying.js';
import { PreSharedKeys } from './pre-shared-keys.js';
import { removalAgreed } from './removal-agreement.js';
import { signBundle } from './signed-bundle.js';
import { takenBy } from './taken-bundle.js';

/** What is under way with one connected edge. */
interface Delivery {
  readonly session: EdgeSession;
  /** Whether the agent refuses to lose much, and knows that operators can agree to it. */
  readonly limitsRemovals: boolean;
  /** As its Hello said. */
  readonly keyingModes: readonly KeyingMode[];
  running: RunningBundle | undefined;
  awaited: AwaitedAnswer | undefined;
}

/** A push that waits for its answer. */
interface AwaitedAnswer {
  readonly nonce: string;
  readonly bundle: DesiredBundle;
  readonly removalAgreed: boolean;
  readonly timer: NodeJS.Timeout;
}

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
  readonly #signer: BundleSigner;
  readonly #epoch: ControllerEpoch;
  readonly #keys: PreSharedKeys;
  readonly #logger: Logger;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #failures = new Map<string, DistributionFailure>();
  /** Edges that wait for a bundle of which a key cannot be opened: the message that was logged. */
  readonly #withoutKeys = new Map<string, string>();
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
    this.#signer = signer;
    this.#epoch = epoch;
    this.#keys = keys;
    this.#logger = logger.child({ component: 'distribution' });
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
    for (const { awaited } of this.#deliveries.values()) clearTimeout(awaited?.timer);
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
    return this.#deliveries.get(edgeId)?.running;
  }

  /** True while a push waits for its answer. */
  isPushing(edgeId: string): boolean {
    return this.#deliveries.get(edgeId)?.awaited !== undefined;
  }

  async sessionOpened(session: EdgeSession, hello: Hello): Promise<void> {
    const { running, limitsRemovals, keyingModes } = hello;
    this.#store.agentTakes(session.edgeId, takenBy(hello));
    this.#deliveries.set(session.edgeId, { session, limitsRemovals, keyingModes, running, awaited: undefined });
    this.#keying.sessionOpened(session, hello.associations);
    this.#relay.sessionOpened(session, keyingModes);
    const assignment = this.#store.assignment(session.edgeId);
    const hash = hello.running?.contentHash;
    if (assignment !== undefined && hash !== undefined) {
      if (assignment.desired.hash.equals(hash)) {
        this.#bundleRunning(session.edgeId, assignment.desired.bundle);
        if (!assignment.applied?.hash.equals(hash)) await this.#recordApplied(session, assignment.desired);
      } else if (assignment.applied?.hash.equals(hash)) {
        this.#bundleRunning(session.edgeId, assignment.applied.bundle);
      }
    }
    this.#deliver(session.edgeId);
  }

  sessionClosed(session: EdgeSession): void {
    const delivery = this.#deliveries.get(session.edgeId);
    if (delivery?.session !== session) return;
    clearTimeout(delivery.awaited?.timer);
    this.#deliveries.delete(session.edgeId);
    this.#keying.sessionClosed(session);
    this.#relay.sessionClosed(session);
  }

  /** Throws ProtocolError when it answers no push, or another one. */
  async acknowledged(session: EdgeSession, ack: BundleAck): Promise<void> {
    const running = checkAck(ack);
    const { delivery, bundle } = this.#takeAwaited(session, 'bundle_ack', ack.nonce);
    if (!bundle.hash.equals(running.contentHash)) {
      throw malformed('bundle_ack.running.content_hash', 'is not that of the bundle that was pushed');
    }
    delivery.running = running;
    this.#bundleRunning(session.edgeId, bundle.bundle);
    const { edgeId } = session;
    this.#logger.info({ edgeId, generation: String(bundle.generation), revision: bundle.revision }, 'bundle applied');
    await this.#recordApplied(session, bundle);
    this.#deliver(edgeId);
  }

  async refused(session: EdgeSession, nack: BundleNack): Promise<void> {
    const { path, rule, reason } = checkNack(nack);
    const { delivery, bundle, removalAgreed: wasAgreed } = this.#takeAwaited(session, 'bundle_nack', nack.nonce);
    delivery.running = nack.running;
    const { edgeId } = session;
    if (rule === MASS_REMOVAL && !wasAgreed && this.#removalAgreed(delivery)) {
      this.#logger.info(
        { edgeId, reason },
        'bundle refused by the edge; meanwhile somebody has agreed to what it removes',
      );
      this.#deliver(edgeId);
      return;
    }
    this.#logger.warn(
      { edgeId, generation: String(bundle.generation), revision: bundle.revision, path, rule, reason },
      'bundle refused by the edge; it keeps running the previous one',
    );
    try {
      await this.#store.recordRejection(edgeId, { hash: bundle.hash, path, rule, reason });
    } catch (error) {
      this.#logger.error({ err: error, edgeId }, 'the rejection is not stored; it is lost if the controller restarts');
    }
    this.#deliver(edgeId);
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
      if (session.tenantId === tenantId) this.#deliver(session.edgeId);
    }
  }

  #forget(edgeId: string): void {
    this.#sessions.forget(edgeId);
    this.#withoutKeys.delete(edgeId);
    this.#reports.forget(edgeId);
  }

  #retarget(tenantId: string): void {
    // Of what edges negotiate there is nothing to be done here, and there may be hundreds of thousands.
    const specs = tunnelSpecs(this.#store.assignmentsOf(tenantId), ['ike-less', 'controller-blind']);
    this.#keying.retarget(tenantId, keyedHere(specs));
    const relayed = [...keyedBlindly(specs)].map(([id, { ends }]) => [id, [ends[0].edgeId, ends[1].edgeId]] as const);
    this.#relay.retarget(tenantId, new Map(relayed));
  }

  #bundleRunning(edgeId: string, bundle: Bundle): void {
    this.#keying.bundleRunning(edgeId, bundle);
    this.#relay.bundleRunning(edgeId, bundle);
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

  #deliver(edgeId: string): void {
    const delivery = this.#deliveries.get(edgeId);
    const assignment = this.#store.assignment(edgeId);
    if (delivery === undefined || assignment === undefined) return;
    const { desired, rejection } = assignment;
    const wanted = shouldPush({
      desiredHash: desired.hash,
      runningHash: delivery.running?.contentHash,
      awaitedHash: delivery.awaited?.bundle.hash,
      // Another agent may run there since, which offers more.
      rejectedHash: rejection?.rule === KEYING_NOT_OFFERED ? undefined : rejection?.hash,
    });
    if (!wanted) return;
    const unable = keyingNotOffered(desired.bundle, delivery.keyingModes);
    if (unable !== undefined) {
      this.#withhold(assignment, unable);
      return;
    }
    if (delivery.running !== undefined && desired.generation <= delivery.running.generation) {
      this.#raiseGeneration(edgeId, delivery.running.generation);
      return;
    }
    this.#push(delivery, assignment);
  }

  /** What an edge cannot run it is not sent; that is recorded as if it had refused it. */
  #withhold({ edgeId, desired, rejection }: EdgeAssignment, unable: Omit<RecordedRejection, 'hash'>): void {
    if (rejection?.rule === unable.rule && rejection.hash.equals(desired.hash)) return;
    const { path, rule, reason } = unable;
    this.#logger.warn({ edgeId, revision: desired.revision, path, rule, reason }, 'a bundle is not sent to an edge');
    this.#store.recordRejection(edgeId, { hash: desired.hash, ...unable }).catch((error: unknown) => {
      this.#logger.error(
        { err: error, edgeId },
        'that a bundle is not sent is not stored; it is lost if the controller restarts',
      );
    });
  }

  #push(delivery: Delivery, assignment: EdgeAssignment): void {
    const { session, running } = delivery;
    const preSharedKeys = this.#preSharedKeys(assignment);
    if (preSharedKeys === undefined) return;
    const nonce = randomUUID();
    const timer = setTimeout(() => {
      session.end('DEADLINE_EXCEEDED', 'bundle_push: no answer in time');
    }, BUNDLE_ANSWER_TIMEOUT_MILLISECONDS).unref();
    const removalAgreed = this.#removalAgreed(delivery);
    delivery.awaited = { nonce, bundle: assignment.desired, removalAgreed, timer };
    const context = { epoch: this.#epoch.value, parentHash: running?.contentHash, removalAgreed };
    const bundle = signBundle(assignment, context, this.#signer, preSharedKeys);
    session.send({ $case: 'bundlePush', value: { nonce, bundle } });
  }

  /** Undefined when one cannot be opened: the edge keeps what it has, and polling tries it again. */
  #preSharedKeys({ tenantId, edgeId, desired }: EdgeAssignment): readonly PreSharedKey[] | undefined {
    try {
      const keys = this.#keys.opened(tenantId, desired.bundle);
      this.#withoutKeys.delete(edgeId);
      return keys;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Polling repeats it; the log says it once.
      if (this.#withoutKeys.get(edgeId) !== message) {
        this.#logger.error({ err: error, edgeId }, 'a bundle is not sent; the edge keeps the previous one');
      }
      this.#withoutKeys.set(edgeId, message);
      return undefined;
    }
  }

  /** Agents that do not know of it refuse a bundle that says so. */
  #removalAgreed({ session, limitsRemovals, running }: Delivery): boolean {
    const assignment = this.#store.assignment(session.edgeId);
    if (!limitsRemovals || assignment === undefined) return false;
    return removalAgreed(assignment, running?.contentHash, this.#store.revokedEdges(session.tenantId));
  }

  /** An edge that has seen our generation number with other content (a restored backup) would refuse it for ever. */
  #raiseGeneration(edgeId: string, above: bigint): void {
    this.#logger.warn({ edgeId, above: String(above) }, 'the edge has seen a higher generation; raising ours');
    this.#store.raiseGeneration(edgeId, above).then(
      () => this.#deliver(edgeId),
      (error: unknown) =>
        this.#logger.error({ err: error, edgeId }, 'the generation is not raised; polling tries it again'),
    );
  }

  #takeAwaited(
    session: EdgeSession,
    field: string,
    nonce: string,
  ): Pick<AwaitedAnswer, 'bundle' | 'removalAgreed'> & { readonly delivery: Delivery } {
    const delivery = this.#deliveries.get(session.edgeId);
    const awaited = delivery?.awaited;
    if (delivery === undefined || awaited === undefined || awaited.nonce !== nonce) {
      throw malformed(`${field}.nonce`, 'answers no bundle that waits for an answer');
    }
    clearTimeout(awaited.timer);
    delivery.awaited = undefined;
    return { delivery, bundle: awaited.bundle, removalAgreed: awaited.removalAgreed };
  }

  async #recordApplied(session: EdgeSession, bundle: DesiredBundle): Promise<void> {
    try {
      await this.#store.recordApplied(session.edgeId, bundle);
    } catch (error) {
      this.#logger.error(
        { err: error, edgeId: session.edgeId },
        'the applied bundle is not stored; the next Hello says it',
      );
    }
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
      for (const { edgeId } of this.#sessions.all()) this.#deliver(edgeId);
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

/** Installation and self-test of the largest bundle take an edge far less. */
const BUNDLE_ANSWER_TIMEOUT_MILLISECONDS = 60_000;

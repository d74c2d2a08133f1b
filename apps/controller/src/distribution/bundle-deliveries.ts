import { randomUUID } from 'node:crypto';
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
import type { BundleSigner } from '../pki/bundle-signer.js';
import type { ControllerEpoch } from '../platform/database/controller-epoch.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { malformed } from '../southbound/protocol-error.js';
import { checkAck, checkNack } from '../southbound/session-messages.js';
import { shouldPush } from './bundle-delivery.js';
import type { DesiredBundle, EdgeAssignment, RecordedRejection } from './edge-assignment.js';
import { MASS_REMOVAL } from './edge-bundles.repository.js';
import type { FabricStore } from './fabric-store.js';
import { KEYING_NOT_OFFERED, keyingNotOffered } from './offered-keying.js';
import type { PreSharedKeys } from './pre-shared-keys.js';
import { removalAgreed } from './removal-agreement.js';
import { signBundle } from './signed-bundle.js';

/** What deliveries are made with. */
export interface BundleDeliveryParts {
  readonly store: FabricStore;
  readonly signer: BundleSigner;
  readonly epoch: ControllerEpoch;
  readonly keys: PreSharedKeys;
  readonly logger: Logger;
  /** An edge runs this bundle, by its own word. */
  readonly bundleRunning: (edgeId: string, bundle: Bundle) => void;
}

/**
 * Has every connected edge run the bundle that it should: pushes it, and takes what the edge says of it. One push at a time waits for its
 * answer; what cannot be pushed now is, when `deliver` is called again.
 */
export class BundleDeliveries {
  readonly #parts: BundleDeliveryParts;
  readonly #deliveries = new Map<string, Delivery>();
  /** Edges that wait for a bundle of which a key cannot be opened: the message that was logged. */
  readonly #withoutKeys = new Map<string, string>();

  constructor(parts: BundleDeliveryParts) {
    this.#parts = parts;
  }

  /** Before anything else of a session. */
  open(session: EdgeSession, { running, limitsRemovals, keyingModes }: Hello): void {
    this.#deliveries.set(session.edgeId, { session, limitsRemovals, keyingModes, running, awaited: undefined });
  }

  /** Tells what runs there, and pushes what should. */
  async begin(session: EdgeSession, { running }: Hello): Promise<void> {
    const { store, bundleRunning } = this.#parts;
    const assignment = store.assignment(session.edgeId);
    const hash = running?.contentHash;
    if (assignment !== undefined && hash !== undefined) {
      if (assignment.desired.hash.equals(hash)) {
        bundleRunning(session.edgeId, assignment.desired.bundle);
        if (!assignment.applied?.hash.equals(hash)) await this.#recordApplied(session, assignment.desired);
      } else if (assignment.applied?.hash.equals(hash)) {
        bundleRunning(session.edgeId, assignment.applied.bundle);
      }
    }
    this.deliver(session.edgeId);
  }

  /** @returns false when the edge has begun another session since */
  close(session: EdgeSession): boolean {
    const delivery = this.#deliveries.get(session.edgeId);
    if (delivery?.session !== session) return false;
    clearTimeout(delivery.awaited?.timer);
    this.#deliveries.delete(session.edgeId);
    return true;
  }

  /** The edge is not of the fabric any more. */
  forget(edgeId: string): void {
    this.#withoutKeys.delete(edgeId);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    for (const { awaited } of this.#deliveries.values()) clearTimeout(awaited?.timer);
  }

  /** What a connected edge runs, by its own word. */
  running(edgeId: string): RunningBundle | undefined {
    return this.#deliveries.get(edgeId)?.running;
  }

  /** True while a push waits for its answer. */
  isPushing(edgeId: string): boolean {
    return this.#deliveries.get(edgeId)?.awaited !== undefined;
  }

  /** Pushes what an edge should run, unless it does, is being asked to, or has refused it. */
  deliver(edgeId: string): void {
    const delivery = this.#deliveries.get(edgeId);
    const assignment = this.#parts.store.assignment(edgeId);
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

  /** Throws ProtocolError when it answers no push, or another one. */
  async acknowledged(session: EdgeSession, ack: BundleAck): Promise<void> {
    const running = checkAck(ack);
    const { delivery, bundle } = this.#takeAwaited(session, 'bundle_ack', ack.nonce);
    if (!bundle.hash.equals(running.contentHash)) {
      throw malformed('bundle_ack.running.content_hash', 'is not that of the bundle that was pushed');
    }
    delivery.running = running;
    this.#parts.bundleRunning(session.edgeId, bundle.bundle);
    const { edgeId } = session;
    this.#parts.logger.info(
      { edgeId, generation: String(bundle.generation), revision: bundle.revision },
      'bundle applied',
    );
    await this.#recordApplied(session, bundle);
    this.deliver(edgeId);
  }

  /** Throws ProtocolError when it answers no push, or another one. */
  async refused(session: EdgeSession, nack: BundleNack): Promise<void> {
    const { path, rule, reason } = checkNack(nack);
    const { delivery, bundle, removalAgreed: wasAgreed } = this.#takeAwaited(session, 'bundle_nack', nack.nonce);
    delivery.running = nack.running;
    const { edgeId } = session;
    if (rule === MASS_REMOVAL && !wasAgreed && this.#removalAgreed(delivery)) {
      this.#parts.logger.info(
        { edgeId, reason },
        'bundle refused by the edge; meanwhile somebody has agreed to what it removes',
      );
      this.deliver(edgeId);
      return;
    }
    this.#parts.logger.warn(
      { edgeId, generation: String(bundle.generation), revision: bundle.revision, path, rule, reason },
      'bundle refused by the edge; it keeps running the previous one',
    );
    try {
      await this.#parts.store.recordRejection(edgeId, { hash: bundle.hash, path, rule, reason });
    } catch (error) {
      this.#parts.logger.error(
        { err: error, edgeId },
        'the rejection is not stored; it is lost if the controller restarts',
      );
    }
    this.deliver(edgeId);
  }

  /** What an edge cannot run it is not sent; that is recorded as if it had refused it. */
  #withhold({ edgeId, desired, rejection }: EdgeAssignment, unable: Omit<RecordedRejection, 'hash'>): void {
    if (rejection?.rule === unable.rule && rejection.hash.equals(desired.hash)) return;
    const { path, rule, reason } = unable;
    this.#parts.logger.warn(
      { edgeId, revision: desired.revision, path, rule, reason },
      'a bundle is not sent to an edge',
    );
    this.#parts.store.recordRejection(edgeId, { hash: desired.hash, ...unable }).catch((error: unknown) => {
      this.#parts.logger.error(
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
    const context = { epoch: this.#parts.epoch.value, parentHash: running?.contentHash, removalAgreed };
    const bundle = signBundle(assignment, context, this.#parts.signer, preSharedKeys);
    session.send({ $case: 'bundlePush', value: { nonce, bundle } });
  }

  /** Undefined when one cannot be opened: the edge keeps what it has, and polling tries it again. */
  #preSharedKeys({ tenantId, edgeId, desired }: EdgeAssignment): readonly PreSharedKey[] | undefined {
    try {
      const keys = this.#parts.keys.opened(tenantId, desired.bundle);
      this.#withoutKeys.delete(edgeId);
      return keys;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Polling repeats it; the log says it once.
      if (this.#withoutKeys.get(edgeId) !== message) {
        this.#parts.logger.error({ err: error, edgeId }, 'a bundle is not sent; the edge keeps the previous one');
      }
      this.#withoutKeys.set(edgeId, message);
      return undefined;
    }
  }

  /** Agents that do not know of it refuse a bundle that says so. */
  #removalAgreed({ session, limitsRemovals, running }: Delivery): boolean {
    const assignment = this.#parts.store.assignment(session.edgeId);
    if (!limitsRemovals || assignment === undefined) return false;
    return removalAgreed(assignment, running?.contentHash, this.#parts.store.revokedEdges(session.tenantId));
  }

  /** An edge that has seen our generation number with other content (a restored backup) would refuse it for ever. */
  #raiseGeneration(edgeId: string, above: bigint): void {
    this.#parts.logger.warn({ edgeId, above: String(above) }, 'the edge has seen a higher generation; raising ours');
    this.#parts.store.raiseGeneration(edgeId, above).then(
      () => this.deliver(edgeId),
      (error: unknown) =>
        this.#parts.logger.error({ err: error, edgeId }, 'the generation is not raised; polling tries it again'),
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
      await this.#parts.store.recordApplied(session.edgeId, bundle);
    } catch (error) {
      this.#parts.logger.error(
        { err: error, edgeId: session.edgeId },
        'the applied bundle is not stored; the next Hello says it',
      );
    }
  }
}

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

/** Installation and self-test of the largest bundle take an edge far less. */
const BUNDLE_ANSWER_TIMEOUT_MILLISECONDS = 60_000;

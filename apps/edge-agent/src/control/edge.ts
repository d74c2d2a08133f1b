import {
  type BundlePush,
  type Hello,
  type InstalledAssociation,
  KeyingMode,
  type RunningBundle,
  type SecurityAssociationCommand,
  type SessionRequest,
  type SignedBundle,
  type Welcome,
} from '@weft/contracts/southbound';
import type { LifetimeEvent } from '@weft/ipsec-core';
import type { DataPlaneControl } from '../dataplane/data-plane-thread.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { EdgeIke } from '../ike/edge-ike.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { VerifiedBundle } from './bundle/verified-bundle.js';
import { type BundleAudience, verifySignedBundle } from './bundle/verify-signed-bundle.js';
import type { BundleInstaller } from './bundle-installer.js';
import { type BundleStore, BundleStoreError } from './bundle-store.js';
import { ExpiringAssociations } from './expiring-associations.js';
import { RejectionError } from './rejection.js';
import { executeAssociationCommand } from './security-associations.js';
import type { SessionHandlers } from './session-loop.js';

/** What the edge needs to do what the controller says. */
export interface EdgeParts {
  readonly audience: BundleAudience;
  readonly agentVersion: string;
  /** Random, new with every start. */
  readonly bootId: string;
  readonly store: BundleStore;
  /** Highest epoch that the store knows. */
  readonly highestEpoch: bigint;
  readonly installer: BundleInstaller;
  readonly dataPlane: DataPlaneControl;
  readonly ike: Pick<EdgeIke, 'lifetimeEnded'>;
  readonly log: Log;
  /** Sends to the controller; false when there is no session or it is slow. */
  readonly send: (message: SessionRequest) => boolean;
  /** Told after every Welcome: how often the controller wants a status report. */
  readonly onWelcome: (statusMilliseconds: number) => Promise<void>;
  /** Told when the agent can no longer keep its promises and must end. */
  readonly onFatal: (error: unknown) => void;
}

/** This edge as the controller deals with it: bundles, associations, and what becomes of them. */
export class Edge implements SessionHandlers {
  readonly #parts: EdgeParts;
  readonly #expiring = new ExpiringAssociations();
  #highestEpoch: bigint;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    this.#highestEpoch = parts.highestEpoch;
  }

  /** The bundle in force. */
  get running(): VerifiedBundle | undefined {
    return this.#parts.installer.running;
  }

  /**
   * Puts the last bundle that worked into force, before the controller is reachable. One that does not pass any more
   * is left alone: its routes, if they are still there, then lead nowhere, which is what fail closed means.
   */
  async restore(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      const signed = await store.lastKnownGood();
      if (signed === undefined) {
        log.info('no bundle yet: nothing passes until the controller sends one');
        return;
      }
      // It was fresh when it was stored; what may have passed since then is the controller's to say.
      const bundle = verifySignedBundle(signed, this.#parts.audience, { highestEpoch: 0n, running: undefined });
      await this.#parts.installer.install(bundle, async () => undefined);
      log.info(nameOf(bundle), 'edge ready');
    } catch (error) {
      const why = whyRefused(error);
      if (why === undefined) throw error;
      log.error(why, 'the stored bundle was refused: nothing passes until the controller sends one that is not');
    }
  }

  async hello(): Promise<Hello> {
    const { agentVersion, bootId, dataPlane } = this.#parts;
    return {
      agentVersion,
      bootId,
      running: this.#runningMessage(),
      associations: installedAssociations(await dataPlane.snapshot()),
      keyingModes: [KeyingMode.KEYING_MODE_IKEV2, KeyingMode.KEYING_MODE_IKE_LESS],
    };
  }

  async welcome(welcome: Welcome): Promise<void> {
    if (welcome.epoch < this.#highestEpoch) {
      throw new Error(
        `the controller's epoch ${welcome.epoch} is older than ${this.#highestEpoch}: it was superseded by another`,
      );
    }
    await this.#parts.onWelcome(
      Math.min(LONGEST_STATUS_MILLISECONDS, Math.max(SHORTEST_STATUS_MILLISECONDS, welcome.statusIntervalMilliseconds)),
    );
  }

  async bundlePush(push: BundlePush): Promise<SessionRequest> {
    const { log, onFatal } = this.#parts;
    try {
      await this.#apply(push.bundle);
      return { message: { $case: 'bundleAck', value: { nonce: push.nonce, running: this.#runningMessage() } } };
    } catch (error) {
      if (!(error instanceof RejectionError)) {
        onFatal(error);
        throw error;
      }
      const rejection = error.toMessage();
      log.warn({ ...rejection }, 'bundle refused; the previous one keeps running');
      const running = this.#runningMessage();
      return { message: { $case: 'bundleNack', value: { nonce: push.nonce, rejection, running } } };
    }
  }

  async securityAssociationCommand(command: SecurityAssociationCommand): Promise<SessionRequest> {
    const { dataPlane, log } = this.#parts;
    const { commandId } = command;
    const step = command.step?.$case;
    try {
      await executeAssociationCommand(command, this.running, dataPlane);
      log.info({ commandId, step }, 'security association command carried out');
      return { message: { $case: 'securityAssociationResult', value: { commandId } } };
    } catch (error) {
      if (!(error instanceof RejectionError)) throw error;
      const rejection = error.toMessage();
      log.warn({ commandId, step, ...rejection }, 'security association command refused');
      return { message: { $case: 'securityAssociationResult', value: { commandId, rejection } } };
    }
  }

  /** Takes lifetimes that ended, from the engine. */
  lifetimeEnded(events: readonly LifetimeEvent[]): void {
    for (const event of events) {
      this.#parts.log.info({ ...event }, 'security association lifetime');
      if (this.#parts.ike.lifetimeEnded(event)) continue;
      const association = this.#expiring.note(event);
      if (association !== undefined) this.#parts.send(expiringMessage(association));
    }
  }

  /** Tells a new session what may have been said to nobody. */
  repeatExpiring(snapshot: DataPlaneSnapshot): void {
    for (const association of this.#expiring.remaining(installedAssociations(snapshot))) {
      this.#parts.send(expiringMessage(association));
    }
  }

  async #apply(signed: SignedBundle | undefined): Promise<void> {
    const { installer, log } = this.#parts;
    if (signed === undefined) throw new RejectionError('bundle', 'missing_field', 'the field is missing');
    const bundle = this.#verify(signed);
    const same = this.running?.contentHash === bundle.contentHash;
    await installer.install(bundle, () => this.#commit(signed, bundle));
    log.info(
      { ...nameOf(bundle), tunnels: bundle.tunnels.size, policies: bundle.policies.length },
      same ? 'bundle confirmed' : 'edge ready',
    );
  }

  #verify(signed: SignedBundle): VerifiedBundle {
    return verifySignedBundle(signed, this.#parts.audience, {
      highestEpoch: this.#highestEpoch,
      running: this.running,
    });
  }

  async #commit(signed: SignedBundle, bundle: VerifiedBundle): Promise<void> {
    const { store } = this.#parts;
    try {
      if (bundle.epoch > this.#highestEpoch) {
        await store.raiseEpoch(bundle.epoch);
        this.#highestEpoch = bundle.epoch;
      }
      // Last, because it cannot be taken back: from here on a restart starts from this bundle.
      await store.keep(signed);
    } catch (error) {
      throw new RejectionError('', 'not_stored', `the bundle cannot be stored: ${messageOf(error)}`, { cause: error });
    }
  }

  #runningMessage(): RunningBundle | undefined {
    const { running } = this;
    return running && { generation: running.generation, contentHash: Buffer.from(running.contentHash, 'hex') };
  }
}

/** What is wrong with a stored bundle; undefined when the error is about something else. */
function whyRefused(error: unknown): { path: string; rule: string; reason: string } | undefined {
  if (error instanceof RejectionError) return { path: error.path, rule: error.rule, reason: error.reason };
  // The controller has it too: nothing is lost that would be worth staying down for.
  if (error instanceof BundleStoreError && error.code === 'bundle_damaged') {
    return { path: 'bundle', rule: 'malformed', reason: error.message };
  }
  return undefined;
}

function installedAssociations(snapshot: DataPlaneSnapshot): InstalledAssociation[] {
  return snapshot.associations.map(({ tunnelId, spi, direction }) => ({
    tunnelId,
    spi,
    inbound: direction === 'inbound',
  }));
}

function expiringMessage(association: InstalledAssociation): SessionRequest {
  return { message: { $case: 'securityAssociationExpiring', value: { association } } };
}

function nameOf(bundle: VerifiedBundle): { revision: string; generation: string; hash: string } {
  return {
    revision: bundle.revision.toString(),
    generation: bundle.generation.toString(),
    hash: bundle.contentHash.slice(0, 12),
  };
}

const SHORTEST_STATUS_MILLISECONDS = 100;
const LONGEST_STATUS_MILLISECONDS = 60_000;

import {
  type BundlePush,
  type EdgeEventsStored,
  type Hello,
  type InstalledAssociation,
  KeyingMode,
  type KeyShare,
  type ProtectedNetworks,
  type RunningBundle,
  type SecurityAssociationCommand,
  type SessionRequest,
  type SignedBundle,
  type SigningKeyHistory,
  type TrustBundle,
  type TrustHeld,
  type Welcome,
} from '@weft/contracts/southbound';
import type { LifetimeEvent } from '@weft/ipsec-core';
import type { EdgeBlind } from '../blind/edge-blind.js';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { EventReporter } from '../events/event-reporter.js';
import { type Identity, IdentityError } from '../identity/identity.js';
import type { EdgeIke } from '../ike/edge-ike.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { SerialQueue } from '../platform/serial-queue.js';
import { StateError } from '../platform/state-directory.js';
import { StateKeyError } from '../platform/state-key.js';
import type { VerifiedBundle } from './bundle/verified-bundle.js';
import { type BundleAudience, verifySignedBundle } from './bundle/verify-signed-bundle.js';
import type { BundleInstaller } from './bundle-installer.js';
import { type BundleStore, BundleStoreError } from './bundle-store.js';
import { ExpiringAssociations } from './expiring-associations.js';
import { RejectionError } from './rejection.js';
import { checkRemovals } from './removal-limit.js';
import { executeAssociationCommand } from './security-associations.js';
import type { SessionHandlers } from './session-loop.js';
import { Trial } from './trial.js';

/** How the keys of a tunnel may be made where this agent runs. */
export const KEYING_MODES: readonly KeyingMode[] = [
  KeyingMode.KEYING_MODE_IKEV2,
  KeyingMode.KEYING_MODE_IKE_LESS,
  KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
];

/** What the edge needs to do what the controller says. */
export interface EdgeParts {
  /** Whom the edge believes now. */
  readonly audience: BundleAudience;
  /** Whom it believed when it stored what it has. */
  readonly storedAudience: BundleAudience;
  /** Pins the successors of the bundle-signing keys. @returns whether there are any. Throws when one is not as it should be. */
  readonly followSigningKeys: (history: SigningKeyHistory) => Promise<boolean>;
  /** Believes whom the controller says. @returns whether that is news. Throws when it is not as it should be. */
  readonly followTrust: (trustBundle: TrustBundle) => Promise<boolean>;
  /** What of that is on the disk. */
  readonly trustHeld: () => TrustHeld;
  readonly agentVersion: string;
  /** Random, new with every start. */
  readonly bootId: string;
  readonly store: BundleStore;
  /** Highest epoch that the store knows. */
  readonly highestEpoch: bigint;
  readonly installer: BundleInstaller;
  readonly dataPlane: DataPlaneControl;
  readonly ike: Pick<EdgeIke, 'lifetimeEnded'>;
  readonly blind: Pick<EdgeBlind, 'lifetimeEnded' | 'connected' | 'disconnected' | 'writable' | 'message'>;
  readonly log: Log;
  /** Told what happens, and what the controller makes of it. */
  readonly events: Pick<EventReporter, 'add' | 'welcomed' | 'stored' | 'ended'>;
  /** How long the controller may be out of reach with a new bundle before the one before is taken back; 0: for ever. */
  readonly confirmMilliseconds: number;
  /** Share of the tunnels and of the policy entries in force that a bundle may remove when no operator has agreed to it. */
  readonly removalLimitPercent: number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** Sends to the controller; false when there is no session or it is slow. */
  readonly send: (message: SessionRequest) => boolean;
  /** Told after every Welcome: how often the controller wants a status report, and what it wants closed before the first bundle. */
  readonly onWelcome: (statusMilliseconds: number, protectedNetworks: ProtectedNetworks | undefined) => Promise<void>;
  /** Told when the agent can no longer keep its promises and must end. */
  readonly onFatal: (error: unknown) => void;
}

/** What the controller is told of whom an edge believes and what it shows. */
export function trustHeldBy({ trustVersion, serialNumber }: Identity): TrustHeld {
  return { version: BigInt(trustVersion), certificateSerial: serialNumber };
}

/** This edge as the controller deals with it: bundles, associations, and what becomes of them. */
export class Edge implements SessionHandlers {
  readonly #parts: EdgeParts;
  readonly #expiring = new ExpiringAssociations();
  readonly #trial: Trial;
  /** One change of the bundle at a time: by the controller, or because it is out of reach. */
  readonly #changes = new SerialQueue(MAX_QUEUED);
  #highestEpoch: bigint;
  /** Whether the controller of this session wants to be told of it. */
  #tellsTrust = false;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    this.#trial = new Trial({
      limitMilliseconds: parts.confirmMilliseconds,
      after: parts.after,
      onConfirmed: () => this.#later(() => this.#confirmed()),
      onExpired: () => this.#later(() => this.#takeBack()),
    });
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
        log.info('no bundle yet: tunnels wait until the controller sends one');
        return;
      }
      // It was fresh when it was stored; what may have passed since then is the controller's to say.
      const bundle = verifySignedBundle(signed, this.#parts.storedAudience, { highestEpoch: 0n, running: undefined });
      await this.#parts.installer.install(bundle, async () => undefined);
      log.info(nameOf(bundle), 'edge ready');
      // It was on trial when this edge ended, and is so still.
      const previous = await store.previous();
      if (previous !== undefined && !previous.content.equals(signed.content)) this.#trial.begin(false);
    } catch (error) {
      const why = whyRefused(error);
      if (why === undefined) throw error;
      log.error(why, 'the stored bundle was refused: tunnels wait until the controller sends one that is not');
    }
  }

  async hello(): Promise<Hello> {
    const { agentVersion, bootId, dataPlane } = this.#parts;
    return {
      agentVersion,
      bootId,
      running: this.#runningMessage(),
      associations: installedAssociations(await dataPlane.snapshot()),
      keyingModes: [...KEYING_MODES],
      limitsRemovals: true,
      severalUplinks: true,
      tunnelsByAddress: true,
    };
  }

  async welcome(welcome: Welcome): Promise<void> {
    if (welcome.epoch < this.#highestEpoch) {
      throw new Error(
        `the controller's epoch ${welcome.epoch} is older than ${this.#highestEpoch}: it was superseded by another`,
      );
    }
    // Before the first bundle, which may be signed with another key than the last.
    if (welcome.signingKeys !== undefined && (await this.#parts.followSigningKeys(welcome.signingKeys))) {
      this.#parts.log.warn(
        'the controller signs bundles with another key from now on, as the one that was pinned says',
      );
    }
    if (welcome.trustBundle !== undefined) await this.#followTrust(welcome.trustBundle);
    this.#trial.confirm();
    this.#tellsTrust = welcome.trustBundle !== undefined;
    this.tellTrust();
    await this.#parts.onWelcome(
      Math.min(LONGEST_STATUS_MILLISECONDS, Math.max(SHORTEST_STATUS_MILLISECONDS, welcome.statusIntervalMilliseconds)),
      welcome.protectedNetworks,
    );
    this.#parts.events.welcomed(welcome.takesEvents);
    if (welcome.relaysKeyShares) this.#parts.blind.connected();
  }

  keyShare(share: KeyShare): void {
    this.#parts.blind.message(share);
  }

  writable(): void {
    this.#parts.blind.writable();
  }

  /** Tells a controller that wants to know what this edge believes and shows: the certificate authority before goes by that. */
  tellTrust(): void {
    // What is not sent now is said with the next session.
    if (this.#tellsTrust) this.#parts.send({ message: { $case: 'trustHeld', value: this.#parts.trustHeld() } });
  }

  async #followTrust(trustBundle: TrustBundle): Promise<void> {
    const { followTrust, log } = this.#parts;
    try {
      if (await followTrust(trustBundle)) {
        const { version, anchors } = trustBundle;
        log.warn(
          { version: version.toString(), anchors: anchors.length },
          'other certificate authorities are trusted now',
        );
      }
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      const fix = 'enroll this edge again with a new token, if it cannot renew its certificate';
      log.error({ reason: error.message, fix }, 'those trusted before stay trusted: this edge depends on one of them');
    }
  }

  eventsStored({ number }: EdgeEventsStored): void {
    this.#parts.events.stored(number);
  }

  ended(): void {
    this.#tellsTrust = false;
    this.#parts.blind.disconnected();
    this.#parts.events.ended();
    this.#trial.sessionEnded();
  }

  /** Nothing is taken back any more. */
  stop(): void {
    this.#trial.stop();
  }

  async bundlePush(push: BundlePush): Promise<SessionRequest> {
    const { log, onFatal } = this.#parts;
    // It comes after the answer to the one before.
    this.#trial.confirm();
    try {
      await this.#changes.run(() => this.#apply(push.bundle));
      return { message: { $case: 'bundleAck', value: { nonce: push.nonce, running: this.#runningMessage() } } };
    } catch (error) {
      if (!(error instanceof RejectionError)) {
        onFatal(error);
        throw error;
      }
      const rejection = error.toMessage();
      log.warn({ ...rejection }, 'bundle refused; the previous one keeps running');
      this.#parts.events.add({
        kind: error.rule === 'not_stored' ? 'storage_failed' : 'bundle_refused',
        cause: error.rule,
        detail: error.path === '' ? error.reason : `${error.path}: ${error.reason}`,
      });
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
      if (this.#parts.ike.lifetimeEnded(event) || this.#parts.blind.lifetimeEnded(event)) continue;
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
    checkRemovals(this.running, bundle, this.#parts.removalLimitPercent);
    await this.#refuseCutOff(bundle);
    const before = this.running?.contentHash;
    const same = before === bundle.contentHash;
    await installer.install(bundle, () => this.#commit(signed, bundle));
    if (before !== undefined && !same) this.#trial.begin(true);
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
      const { running } = this;
      if (running === undefined || running.contentHash === bundle.contentHash) await store.keep(signed);
      else await store.keepOnTrial(signed);
    } catch (error) {
      throw new RejectionError('', 'not_stored', `the bundle cannot be stored: ${messageOf(error)}`, { cause: error });
    }
  }

  async #confirmed(): Promise<void> {
    try {
      await this.#parts.store.endTrial();
      this.#parts.log.info('the controller is reached with the new bundle: it stays');
    } catch (error) {
      // It is confirmed again after the next start.
      this.#parts.log.warn({ reason: messageOf(error) }, 'that the bundle stays could not be stored');
      this.#parts.events.add({ kind: 'storage_failed', cause: 'not_confirmed', detail: messageOf(error) });
    }
  }

  /** The controller was not reached in time since the bundle changed: the one before is put into force again. */
  async #takeBack(): Promise<void> {
    const { store, log, installer, storedAudience, onFatal } = this.#parts;
    try {
      const signed = await store.previous();
      const contentHash = this.running?.contentHash;
      if (signed === undefined || contentHash === undefined) return;
      const previous = verifySignedBundle(signed, storedAudience, { highestEpoch: 0n, running: undefined });
      const cutOff = { contentHash, takenBackAt: new Date().toISOString() };
      await installer.install(previous, () => store.takeBack(signed, cutOff));
      log.error(
        { ...nameOf(previous), cutOff: contentHash.slice(0, 12) },
        'the new bundle has cut this edge off from its controller: the one before is in force again',
      );
      this.#parts.events.add({
        kind: 'bundle_taken_back',
        cause: 'cut_off',
        detail: `revision ${previous.revision} is in force again; bundle ${contentHash.slice(0, 12)} was taken back`,
      });
    } catch (error) {
      if (error instanceof StateError) this.#takeBackLater(error);
      else if (whyRefused(error) === undefined && !(error instanceof StateKeyError)) onFatal(error);
      else log.error({ reason: messageOf(error) }, 'the bundle before cannot be put into force again: this one stays');
    }
  }

  /** A restart would not know of it: the bundle goes on being on trial, and is taken back when there is room again. */
  #takeBackLater(error: StateError): void {
    const { log, events, confirmMilliseconds } = this.#parts;
    log.error(
      { reason: messageOf(error), fix: error.fix, retryMilliseconds: confirmMilliseconds },
      'that the bundle before is in force again could not be stored: this one stays meanwhile',
    );
    events.add({ kind: 'storage_failed', cause: 'not_taken_back', detail: messageOf(error) });
    this.#trial.begin(false);
  }

  /** Says once what a bundle did. It is tried again when it comes again: the controller may have been away by itself. */
  async #refuseCutOff({ contentHash }: VerifiedBundle): Promise<void> {
    const { store } = this.#parts;
    const cutOff = await store.cutOff();
    if (cutOff === undefined || cutOff.contentHash !== contentHash) return;
    await store.forgetCutOff();
    throw new RejectionError(
      '',
      'cut_off',
      `with it this edge did not reach its controller for ${this.#parts.confirmMilliseconds / 1000} seconds; ` +
        `the bundle before was taken back at ${cutOff.takenBackAt}`,
    );
  }

  /** For what nobody waits for, and what sees to its own failures. */
  #later(work: () => Promise<void>): void {
    this.#changes.run(work).catch((error: unknown) => this.#parts.onFatal(error));
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
/** The controller waits for an answer before it pushes again; beside that only what a trial comes to is waiting. */
const MAX_QUEUED = 64;

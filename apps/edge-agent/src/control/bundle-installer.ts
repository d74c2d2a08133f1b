import { formatAddress } from '@weft/ipsec-core';
import { SystemCallError } from '@weft/linux-io';
import type { EdgeBlind } from '../blind/edge-blind.js';
import { DataPlaneRefusal } from '../dataplane/plane-error.js';
import type { EdgeIke } from '../ike/edge-ike.js';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { SerialQueue } from '../platform/serial-queue.js';
import { siteNetworks } from './bundle/parse-network-mappings.js';
import type { VerifiedBundle } from './bundle/verified-bundle.js';
import { closedState, NO_NETWORKS, type ProtectedNetworks } from './protected-networks.js';
import { type Command, describeCommand, desiredState, reconcile, type SystemState } from './reconciler.js';
import { RejectionError } from './rejection.js';
import type { System } from './system.js';
import { underlayAddressOf } from './underlay-follower.js';

/** The machine is neither in the new state nor in the old one. */
export class InstallationError extends AgentError<'rollback_failed'> {
  override readonly name = 'InstallationError';
}

/** Who makes the keys of the tunnels of a bundle, here and with their peers. */
export interface Keying {
  readonly ike: Pick<EdgeIke, 'apply' | 'move' | 'found'>;
  readonly blind: Pick<EdgeBlind, 'apply'>;
}

/** Puts bundles into force as a whole, or not at all. One at a time. */
export class BundleInstaller {
  readonly #system: System;
  readonly #log: Log;
  readonly #keying: Keying;
  /** The machine is taken from one state to the next, by one at a time. */
  readonly #queue = new SerialQueue(MAX_QUEUED);
  #running: VerifiedBundle | undefined;
  /** Until one is. */
  #closed: ProtectedNetworks = NO_NETWORKS;

  constructor(system: System, keying: Keying, log: Log) {
    this.#system = system;
    this.#keying = keying;
    this.#log = log;
  }

  /**
   * The machine has these underlay addresses now. Has it left the one that the underlay is bound to, the underlay moves: back to
   * that of the bundle, or to another of its family that is not behind the edge; and with it the IKE SAs (RFC 4555). With none left it waits for one.
   */
  addressesChanged(addresses: readonly Uint8Array[]): Promise<void> {
    return this.#queue.run(async () => {
      this.#keying.ike.found(addresses);
      const bundle = this.#running;
      // Its sockets are on all its uplinks, whether the machine has the addresses or not.
      if (bundle === undefined || bundle.otherUnderlays !== undefined) return;
      const { address } = this.#system.underlaySocket.localEndpoint();
      const next = underlayAddressOf(
        bundle.underlay.octets,
        addresses,
        siteNetworks(bundle.localNetworks, bundle.mappings),
        address,
      );
      if (next === undefined || Buffer.compare(next, address) === 0) {
        if (next === undefined) this.#log.warn('no underlay address is left: tunnels wait until there is one');
        return;
      }
      this.#log.info({ from: formatAddress(address), to: formatAddress(next) }, 'the underlay is at another address');
      await this.#system.moveUnderlay(next);
      this.#keying.ike.move(this.#system.underlaySocket);
      this.#system.releaseUnused();
    });
  }

  /** The bundle in force. */
  get running(): VerifiedBundle | undefined {
    return this.#running;
  }

  /**
   * Keeps these networks closed for as long as no bundle is in force; the first one that is takes over from there, with the old
   * fence and the new one up until its routes are. Throws RejectionError.
   */
  keepClosed(networks: ProtectedNetworks): Promise<void> {
    return this.#queue.run(async () => {
      this.#closed = networks;
      if (this.#running === undefined) await this.#takeSteps(await this.#stepsToClosed(), new Map());
    });
  }

  /**
   * Takes the machine to what the bundle wants, looks whether it is there, and lets `commit` make it last. If anything
   * of it fails, the machine is taken back to where it was.
   * Throws RejectionError (the old state is in force), InstallationError (it is not: the agent must end, fail closed).
   */
  install(bundle: VerifiedBundle, commit: () => Promise<void>): Promise<void> {
    return this.#queue.run(() => this.#install(bundle, commit));
  }

  /**
   * Somebody may have taken away what keeps traffic in: `nft flush ruleset`, a network manager that sweeps up rules. What is
   * missing of the bundle in force is put back. @returns whether something was. Throws RejectionError.
   */
  async repair(): Promise<boolean> {
    let repaired = false;
    await this.#queue.run(async () => {
      const bundle = this.#running;
      const commands = bundle === undefined ? await this.#stepsToClosed() : await this.#stepsTo(bundle);
      if (commands.length === 0) return;
      repaired = true;
      this.#log.warn(
        { steps: commands.map(describeCommand) },
        'the machine is not as this edge left it: putting it back',
      );
      await this.#takeSteps(commands, new Map(bundle === undefined ? [] : [[bundle.contentHash, bundle]]));
      const missing = bundle === undefined ? await this.#stepsToClosed() : await this.#stepsTo(bundle);
      if (missing.length > 0) throw selfTestFailed(missing);
    });
    return repaired;
  }

  async #stepsTo(bundle: VerifiedBundle): Promise<readonly Command[]> {
    const found = await this.#system.observe();
    return reconcile(desiredState(bundle, found.connected), found);
  }

  async #stepsToClosed(): Promise<readonly Command[]> {
    const found = await this.#system.observe();
    return reconcile(closedState(this.#closed, found), found);
  }

  async #install(bundle: VerifiedBundle, commit: () => Promise<void>): Promise<void> {
    const before = await this.#system.observe();
    const bundles = new Map([this.#running, bundle].flatMap((known) => (known ? [[known.contentHash, known]] : [])));
    try {
      await this.#takeSteps(reconcile(desiredState(bundle, before.connected), before), bundles);
      await this.#selfTest(bundle);
      await commit();
    } catch (error) {
      await this.#rollBack(before, bundles, error);
      throw error;
    }
    this.#running = bundle;
    this.#sayWhere(bundle);
    // Only now: what is negotiated with peers cannot be taken back.
    await this.#keying.ike.apply(bundle, this.#system.underlaySocket, this.#system.otherSockets);
    await this.#keying.blind.apply(bundle);
    this.#system.releaseUnused();
  }

  #sayWhere({ underlay }: VerifiedBundle): void {
    const { address } = this.#system.underlaySocket.localEndpoint();
    if (Buffer.compare(address, underlay.octets) === 0) return;
    const addresses = { configured: underlay.text, used: formatAddress(address) };
    this.#log.warn(addresses, 'this machine has not got the underlay address of its bundle, and uses another');
  }

  async #takeSteps(commands: readonly Command[], bundles: ReadonlyMap<string, VerifiedBundle>): Promise<void> {
    for (const command of commands) {
      if (command.kind === 'enable_forwarding') {
        this.#log.info({ family: command.family }, 'enabling forwarding: this edge acts for networks behind it');
      }
      try {
        await this.#system.execute(command, bundles);
      } catch (error) {
        throw stepRejection(command, error);
      }
      this.#log.debug({ step: describeCommand(command) }, 'installation step done');
    }
  }

  async #selfTest(bundle: VerifiedBundle): Promise<void> {
    const missing = await this.#stepsTo(bundle);
    if (missing.length > 0) throw selfTestFailed(missing);
    const wrong = await this.#system.wrongDecision(bundle).catch((error: unknown) => {
      const reason = `the packet path does not say what it decides: ${messageOf(error)}`;
      throw new RejectionError('', 'self_test_failed', reason, { cause: error });
    });
    if (wrong !== undefined)
      throw new RejectionError('security_policies', 'self_test_failed', `in the packet path ${wrong}`);
  }

  async #rollBack(before: SystemState, bundles: ReadonlyMap<string, VerifiedBundle>, cause: unknown): Promise<void> {
    this.#log.warn({ reason: messageOf(cause) }, 'installation failed, going back');
    try {
      const now = await this.#system.observe();
      for (const command of reconcile(before, now)) await this.#system.execute(command, bundles);
      const missing = reconcile(before, await this.#system.observe());
      if (missing.length > 0) throw new Error(`still to do: ${missing.map(describeCommand).join('; ')}`);
      this.#system.releaseUnused();
    } catch (error) {
      throw new InstallationError(
        'rollback_failed',
        `the bundle could not be installed (${messageOf(cause)}), nor the old state restored (${messageOf(error)})`,
        'restart the agent: it starts from the last bundle that worked',
        { cause: error },
      );
    }
  }
}

function selfTestFailed(missing: readonly Command[]): RejectionError {
  return new RejectionError('', 'self_test_failed', `still to do: ${missing.map(describeCommand).join('; ')}`);
}

function stepRejection(command: Command, error: unknown): RejectionError {
  const reason = `cannot ${describeCommand(command)}: ${messageOf(error)}`;
  if (command.kind === 'bind_underlay' && error instanceof SystemCallError) {
    return new RejectionError('underlay', 'underlay_unusable', reason, { cause: error });
  }
  if (error instanceof DataPlaneRefusal) {
    const path = error.refusal.path.replace(/^policies/, 'security_policies');
    return new RejectionError(path, 'policy_refused', `${error.refusal.code}: ${error.refusal.reason}`, {
      cause: error,
    });
  }
  return new RejectionError('', 'installation_failed', reason, { cause: error });
}

/** Bundles come one at a time; the rest are addresses of the machine that came and went meanwhile. */
const MAX_QUEUED = 64;

import type { ProtectedNetworks as ProtectedNetworksMessage } from '@weft/contracts/southbound';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { BundleInstaller } from './bundle-installer.js';
import { NO_NETWORKS, type ProtectedNetworks, parseProtectedNetworks, unionOfNetworks } from './protected-networks.js';
import type { ProtectedNetworksStore } from './protected-networks-store.js';
import { RejectionError } from './rejection.js';

/** What it needs from its surroundings. */
export interface ClosedUntilFirstBundleParts {
  readonly store: Pick<ProtectedNetworksStore, 'load' | 'keep'>;
  /** Those that the settings name. */
  readonly configured: readonly string[];
  readonly installer: Pick<BundleInstaller, 'keepClosed' | 'running'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

/** Keeps in what is known to be protected while the running agent has no bundle. */
export class ClosedUntilFirstBundle {
  readonly #parts: ClosedUntilFirstBundleParts;
  #told: ProtectedNetworks = NO_NETWORKS;

  constructor(parts: ClosedUntilFirstBundleParts) {
    this.#parts = parts;
  }

  /** How many networks of other sites are closed; undefined when a bundle is in force, which decides that. */
  get networks(): number | undefined {
    return this.#parts.installer.running === undefined ? this.#known().routes.length : undefined;
  }

  /** Closes what enrollment and the settings name. Throws RejectionError, StateError. */
  async start(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      this.#told = (await store.load()) ?? NO_NETWORKS;
    } catch (error) {
      const fix = error instanceof Error && 'fix' in error ? error.fix : undefined;
      log.error({ reason: messageOf(error), fix }, 'what enrollment said is to be closed is not known any more');
    }
    await this.#close();
  }

  /** The controller says it anew. What cannot be used leaves everything as it is. Throws RejectionError. */
  async told(message: ProtectedNetworksMessage): Promise<void> {
    const { store, log, installer } = this.#parts;
    if (installer.running !== undefined) return;
    try {
      this.#told = parseProtectedNetworks(message);
      await store.keep(this.#told);
    } catch (error) {
      const why =
        error instanceof RejectionError ? { path: error.path, reason: error.reason } : { reason: messageOf(error) };
      log.warn(why, 'the networks to be closed before the first policy cannot be used, or not kept for the next start');
    }
    await this.#close();
  }

  async #close(): Promise<void> {
    const { installer, log } = this.#parts;
    const known = this.#known();
    await installer.keepClosed(known);
    const networks = this.networks;
    if (networks === 0) log.warn('no network is known that could be closed before the first policy');
    else if (networks !== undefined) log.info({ networks }, 'closed: waiting for the first policy');
  }

  #known(): ProtectedNetworks {
    const { configured } = this.#parts;
    return unionOfNetworks([this.#told, { routes: configured, localNetworks: [] }]);
  }
}

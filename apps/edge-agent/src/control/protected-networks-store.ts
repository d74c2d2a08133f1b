import { z } from 'zod';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type StateKey, StateKeyError } from '../platform/state-key.js';
import type { ProtectedNetworks } from './protected-networks.js';

/** The file of protected networks cannot be read. */
export class ProtectedNetworksError extends AgentError<'protected_networks_damaged'> {
  override readonly name = 'ProtectedNetworksError';
}

/** What the controller said last of the networks to be kept in before the first bundle, sealed as bundles are. */
export class ProtectedNetworksStore {
  readonly #state: StateDirectory;
  readonly #openKey: () => Promise<StateKey>;

  /** The key is opened when there is something to open or to seal, and not before: asking makes none. */
  constructor(state: StateDirectory, openKey: () => Promise<StateKey>) {
    this.#state = state;
    this.#openKey = openKey;
  }

  /** Undefined when nobody has said any. Throws ProtectedNetworksError, StateKeyError, StateError. */
  async load(): Promise<ProtectedNetworks | undefined> {
    const sealed = await this.#state.read(FILE);
    if (sealed === undefined) return undefined;
    const key = await this.#openKey();
    try {
      return Stored.parse(JSON.parse(Buffer.from(key.unseal(FILE, sealed)).toString('utf8')));
    } catch (error) {
      const fix =
        error instanceof StateKeyError
          ? 'name the key that `weft-edge enroll` used with --state-key, or let the agent reach its controller: it seals them anew'
          : 'let the agent reach its controller, or enroll again with a new token';
      throw new ProtectedNetworksError(
        'protected_networks_damaged',
        `${this.#state.file(FILE)} cannot be used: ${messageOf(error)}`,
        fix,
        { cause: error },
      );
    }
  }

  /** Replaces them. Throws StateKeyError, StateError. */
  async keep({ routes, localNetworks }: ProtectedNetworks): Promise<void> {
    const key = await this.#openKey();
    const octets = Buffer.from(JSON.stringify({ routes, localNetworks }));
    await this.#state.write(FILE, key.seal(FILE, octets));
  }
}

const FILE = 'protected-networks.sealed';
const Prefixes = z.array(z.union([z.cidrv4(), z.cidrv6()]));
const Stored = z.strictObject({ routes: Prefixes, localNetworks: Prefixes });

import { Secret } from '@weft/ipsec-core';
import { parseState, type StoredState } from '@weft/ipsec-core/blind';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type StateKey, StateKeyError } from '../platform/state-key.js';

/** What is kept of a tunnel cannot be used. */
export class TunnelKeyError extends AgentError<'keys_damaged'> {
  override readonly name = 'TunnelKeyError';
}

/**
 * What this edge must know of the keys of its tunnels when it starts again without a controller (ADR 26), one sealed file for
 * each. A file that was written stays in place of the one before it through a power cut: what it says is never older than what
 * was sent on.
 */
export class TunnelKeyStore {
  readonly #state: Pick<StateDirectory, 'read' | 'write' | 'remove' | 'file' | 'names'>;
  readonly #key: StateKey;

  constructor(state: Pick<StateDirectory, 'read' | 'write' | 'remove' | 'file' | 'names'>, key: StateKey) {
    this.#state = state;
    this.#key = key;
  }

  /** What was kept last; undefined when nothing was. Throws TunnelKeyError, StateError. */
  async load(tunnelId: string): Promise<StoredState | undefined> {
    const name = fileOf(tunnelId);
    const sealed = await this.#state.read(name);
    if (sealed === undefined) return undefined;
    const opened = this.#open(name, sealed);
    const parsed = opened.reveal((octets) => parseState(nodeCryptoProvider, octets));
    opened.wipe();
    if (parsed.ok) return parsed.value;
    throw this.#damaged(name, 'it has another form than this agent writes');
  }

  /** In place of what was kept before; returns when that survives a power cut. Wipes the secret. Throws StateError. */
  async keep(tunnelId: string, state: Secret): Promise<void> {
    const name = fileOf(tunnelId);
    const sealed = state.reveal((octets) => this.#key.seal(name, octets));
    state.wipe();
    await this.#state.write(name, sealed);
  }

  /** Forgets all tunnels but these. Throws StateError. */
  async keepOnly(tunnelIds: ReadonlySet<string>): Promise<void> {
    const kept = new Set([...tunnelIds].map(fileOf));
    for (const name of await this.#state.names()) {
      if (FILE.test(name) && !kept.has(name)) await this.#state.remove(name);
    }
  }

  #open(name: string, sealed: Uint8Array): Secret {
    try {
      const octets = this.#key.unseal(name, sealed);
      const opened = new Secret(octets);
      octets.fill(0);
      return opened;
    } catch (error) {
      if (error instanceof StateKeyError) throw this.#damaged(name, messageOf(error), error);
      throw error;
    }
  }

  #damaged(name: string, why: string, cause?: Error): TunnelKeyError {
    const fix = 'none: the edges of the tunnel agree on other keys as soon as both reach the controller';
    return new TunnelKeyError('keys_damaged', `${this.#state.file(name)} cannot be used: ${why}`, fix, { cause });
  }
}

/** A new identity has other tunnels. Throws StateError. */
export async function forgetTunnelKeys(state: Pick<StateDirectory, 'names' | 'remove'>): Promise<void> {
  for (const name of await state.names()) if (FILE.test(name)) await state.remove(name);
}

function fileOf(tunnelId: string): string {
  const name = `tunnel-${tunnelId}.sealed`;
  if (!FILE.test(name)) throw new RangeError(`The id of a tunnel is a UUID, not "${tunnelId}".`);
  return name;
}

/** With what a power cut may have left beside it. */
const FILE = /^tunnel-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.sealed(?:\.new)?$/;

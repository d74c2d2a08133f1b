import { Secret } from '@weft/ipsec-core';
import { parseState, type StoredState } from '@weft/ipsec-core/blind';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type StateKey, StateKeyError } from '../platform/state-key.js';

/** What is known of a tunnel when the agent starts. */
export interface KeptTunnel {
  readonly state: StoredState;
  /** Serial numbers of the certificates by which the peer has proved who it is, as `serialValue` writes them. */
  readonly believed: readonly string[];
}

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
  async load(tunnelId: string): Promise<KeptTunnel | undefined> {
    const name = fileOf(tunnelId);
    const sealed = await this.#state.read(name);
    if (sealed === undefined) return undefined;
    const opened = this.#open(name, sealed);
    const kept = opened.reveal(parseKept);
    opened.wipe();
    if (kept !== undefined) return kept;
    throw this.#damaged(name, 'it has another form than this agent writes');
  }

  /** In place of what was kept before; returns when that survives a power cut. Wipes the secret. Throws StateError. */
  async keep(tunnelId: string, state: Secret, believed: readonly string[]): Promise<void> {
    const name = fileOf(tunnelId);
    const octets = state.reveal((value) => Buffer.concat([headOf(believed), value]));
    state.wipe();
    const sealed = this.#key.seal(name, octets);
    octets.fill(0);
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

/** The certificates are in front of what the state machine stores: how many (1), and of each its length (1) and the number. */
function headOf(believed: readonly string[]): Buffer {
  const last = believed.slice(-MAX_BELIEVED).map((serial) => Buffer.from(serial, 'latin1'));
  return Buffer.concat([Buffer.of(last.length), ...last.flatMap((serial) => [Buffer.of(serial.length), serial])]);
}

function parseKept(octets: Uint8Array): KeptTunnel | undefined {
  const believed: string[] = [];
  let at = 1;
  for (let count = octets[0] ?? 0; count > 0; count--) {
    const length = octets[at] ?? 0;
    believed.push(Buffer.from(octets.subarray(at + 1, at + 1 + length)).toString('latin1'));
    at += 1 + length;
  }
  const parsed = parseState(nodeCryptoProvider, octets.subarray(at));
  return parsed.ok ? { state: parsed.value, believed } : undefined;
}

function fileOf(tunnelId: string): string {
  const name = `tunnel-${tunnelId}.sealed`;
  if (!FILE.test(name)) throw new RangeError(`The id of a tunnel is a UUID, not "${tunnelId}".`);
  return name;
}

/** With what a power cut may have left beside it. */
const FILE = /^tunnel-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.sealed(?:\.new)?$/;
/** A peer that renews its certificate has several; what was agreed on with older ones has ended. */
export const MAX_BELIEVED = 16;

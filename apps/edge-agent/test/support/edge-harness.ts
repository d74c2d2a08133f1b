import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Bundle, SecurityAssociationCommand } from '@weft/contracts/southbound';
import type { StoredIdentity } from '../../src/identity/identity.js';
import type { RedundantGroup, TunnelMove } from '../../src/redundancy/redundant-tunnels.js';
import type { NamespacedProcess, Namespaces } from './namespaces.js';

/** Node with our TypeScript, as arguments. */
export function typescript(script: string): string[] {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return ['--conditions=source', '--import', '@oxc-node/core/register', path];
}

/** An edge process in a namespace, and the conversation with it. */
export class EdgeHarness {
  readonly #child: NamespacedProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  /**
   * @param identityFile of an edge that negotiates its keys
   * @param more `faultFile`: what the packet path looks into: `throw`, `exit` or `stall` and a place in it kill that worker
   */
  constructor(
    namespaces: Namespaces,
    namespace: string,
    device = 'weft0',
    dataPath: 'auto' | 'portable' = 'auto',
    identityFile?: string,
    more: { readonly faultFile?: string; readonly workers?: number; readonly pathProbing?: boolean } = {},
  ) {
    const identity = identityFile === undefined ? [] : [identityFile];
    const program = [...typescript('./edge-process.ts'), device, dataPath, ...identity];
    const { faultFile, workers = 1, pathProbing = false } = more;
    const faults = faultFile === undefined ? [] : [`WEFT_TEST_FAULT=${faultFile}`];
    const environment = [`WEFT_TEST_WORKERS=${workers}`, `WEFT_TEST_PATH_PROBING=${pathProbing}`, ...faults];
    this.#child = namespaces.start(namespace, 'env', [...environment, process.execPath, ...program]);
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Process id, for those who watch it from outside. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the edge process did not start');
    return this.#child.pid;
  }

  async bundle(bundle: Bundle): Promise<void> {
    await this.#ask({ kind: 'bundle', value: Bundle.toJSON(bundle) });
  }

  async command(command: SecurityAssociationCommand): Promise<void> {
    await this.#ask({ kind: 'command', value: SecurityAssociationCommand.toJSON(command) });
  }

  /** Associations that no bundle asks for, as the data plane takes them: keys in hex, addresses in text. */
  async associations(associations: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    await this.#ask({ kind: 'associations', value: { associations } });
  }

  /** Counters; 64-bit ones are decimal strings. */
  async snapshot(): Promise<{
    tunnels: {
      tunnelId: string;
      inboundPackets: string;
      outboundPackets: string;
      inboundBytes: string;
      pathProbes: string;
      pathBlackHoles: string;
      pathMtuSearch?: string;
    }[];
    drops: { reason: string; packets: string }[];
    associations: {
      direction: string;
      suite: string;
      spi: number;
      sequence: string;
      path?: { pathMtu: number; source: string; largestPacket: number };
    }[];
    underlayErrors: { reason: string; messages: string }[];
    pathMtuMessages: { outcome: string; messages: string }[];
    groups: RedundantGroup[];
    workers: {
      heartbeat: number;
      replacements: number;
      fromDevice: number;
      passedOn: number;
      outboundPackets: string;
      inboundPackets: string;
    }[];
  }> {
    return (await this.#ask({ kind: 'snapshot' })) as never;
  }

  /** Where packets of groups went since the start. */
  async moves(): Promise<TunnelMove[]> {
    return (await this.#ask({ kind: 'moves' })) as never;
  }

  /** How IKE stands, by tunnel. */
  async negotiations(): Promise<
    Record<
      string,
      {
        established: boolean;
        failure?: string;
        keyExchangeMethods: number[];
        /** Octets of addresses by their place. */
        path?: Record<'local' | 'remote', { address: Record<string, number>; port: number }>;
      }
    >
  > {
    return (await this.#ask({ kind: 'negotiations' })) as never;
  }

  /** Has it show another certificate, as after a renewal. */
  async identity(identity: StoredIdentity): Promise<void> {
    await this.#ask({ kind: 'identity', value: identity });
  }

  /** Begins to replace the Child SAs that the edges negotiated, as if they had carried enough. */
  async rekey(): Promise<void> {
    await this.#ask({ kind: 'rekey' });
  }

  async stop(): Promise<void> {
    await this.#ask({ kind: 'stop' });
    this.#reader.close();
    this.#child.stdin.end();
  }

  /** Ends the process as a crash would. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #ask(request: unknown): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the edge process ended');
    const reply = JSON.parse(value as string) as { error?: string };
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply;
  }
}

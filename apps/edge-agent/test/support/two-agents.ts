import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bundle, PreSharedKey } from '@weft/contracts/southbound';
import { AgentProcess } from './agent-process.js';
import { Namespaces } from './namespaces.js';
import { signBundle } from './test-bundle.js';
import { TestPki } from './test-pki.js';
import { buildNetwork, bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './two-sites.js';

export const LEFT_HOST = '10.1.0.1';
export const RIGHT_HOST = '10.2.0.1';
/** Nobody listens there. */
const NO_CONTROLLER = '127.0.0.1:1';

/**
 * Two agents that key a tunnel themselves, with IKE when nothing else is said, each with its last bundle, on an underlay that would carry everything in the clear: what
 * does not leave is kept in by the agents alone.
 */
export class TwoAgents {
  readonly namespaces: Namespaces;
  readonly directory: string;
  #parts: Parts | undefined;

  /** Nothing is there before `prepare`, and nothing after `close`. */
  constructor(purpose: string) {
    this.namespaces = new Namespaces(purpose);
    this.directory = mkdtempSync(path.join(tmpdir(), `weft-${purpose}-`));
  }

  /** Builds the network and what enrollment leaves behind; the agents do not run yet. */
  async prepare(
    controllers = { left: NO_CONTROLLER, right: NO_CONTROLLER },
    keyed = negotiating,
    preSharedKeys: PreSharedKey[] = [],
  ): Promise<void> {
    const names = buildNetwork(this.namespaces);
    this.namespaces.ip(names.router, `route add ${LEFT.networks[0]} via ${LEFT.underlay}`);
    this.namespaces.ip(names.router, `route add ${RIGHT.networks[0]} via ${RIGHT.underlay}`);
    const pki = await TestPki.create();
    const agent = async (side: 'left' | 'right', edgeId: string, content: Bundle) =>
      AgentProcess.prepare(
        this.namespaces,
        names[side],
        path.join(this.directory, side, 'state'),
        await pki.storedIdentity(controllers[side], edgeId),
        { ...signBundle(pki, content, { edgeId }), preSharedKeys },
      );
    this.#parts = {
      names,
      pki,
      left: await agent('left', LEFT_ID, keyed(bundle(LEFT, RIGHT, RIGHT_ID))),
      right: await agent('right', RIGHT_ID, keyed(bundle(RIGHT, LEFT, LEFT_ID))),
    };
  }

  get names(): Parts['names'] {
    return this.#prepared.names;
  }

  get pki(): TestPki {
    return this.#prepared.pki;
  }

  get left(): AgentProcess {
    return this.#prepared.left;
  }

  get right(): AgentProcess {
    return this.#prepared.right;
  }

  /** One ping from the left host to the right one. @returns what the program says, whether it fails or not. */
  ping(): string {
    try {
      return this.namespaces.run(this.names.left, 'ping', ['-c', '1', '-W', '2', '-I', LEFT_HOST, RIGHT_HOST]);
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      return `${stdout ?? ''}${stderr ?? ''}${String(error)}`;
    }
  }

  async close(): Promise<void> {
    await this.namespaces.close();
    rmSync(this.directory, { recursive: true });
  }

  get #prepared(): Parts {
    if (this.#parts === undefined) throw new Error('prepare the agents first');
    return this.#parts;
  }
}

interface Parts {
  readonly names: { readonly left: string; readonly router: string; readonly right: string };
  readonly pki: TestPki;
  readonly left: AgentProcess;
  readonly right: AgentProcess;
}

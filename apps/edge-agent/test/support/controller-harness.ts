import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { SecurityAssociationCommand, SignedBundle } from '@weft/contracts/southbound';
import { typescript } from './edge-harness.js';
import type { NamespacedProcess, Namespaces } from './namespaces.js';
import type { TestPki } from './test-pki.js';
import { LEFT } from './two-sites.js';

type EdgeName = 'left' | 'right';
const PORTS = { left: 8441, right: 8442 } as const satisfies Record<EdgeName, number>;

/** Where the agents find a controller that runs on the router. */
export const ON_ROUTER = { left: `${LEFT.gateway}:${PORTS.left}`, right: `${LEFT.gateway}:${PORTS.right}` };

/** Something that a controller has heard, or is. */
export type Heard = Readonly<Record<string, unknown>> & { readonly said: string; readonly edge?: string };

/** A controller's session side in a namespace, which can be killed and started again. */
export class ControllerHarness {
  readonly #namespaces: Namespaces;
  readonly #namespace: string;
  readonly #file: string;
  #child: NamespacedProcess | undefined;
  #heard: Heard[] = [];
  #waiting: (() => void)[] = [];

  private constructor(namespaces: Namespaces, namespace: string, file: string) {
    this.#namespaces = namespaces;
    this.#namespace = namespace;
    this.#file = file;
  }

  /** Not running yet. */
  static async prepare(
    namespaces: Namespaces,
    namespace: string,
    directory: string,
    pki: TestPki,
  ): Promise<ControllerHarness> {
    const { pem, keyPem } = await pki.server();
    const file = path.join(directory, 'controller.json');
    const rootPem = pki.root.pem;
    writeFileSync(file, JSON.stringify({ rootPem, keyPem, chainPem: pem + rootPem, ports: PORTS }), { mode: 0o600 });
    return new ControllerHarness(namespaces, namespace, file);
  }

  /** Starts it. What was heard before is forgotten. @returns when it listens. */
  async start(): Promise<void> {
    this.#heard = [];
    const program = [...typescript('./controller-process.ts'), this.#file];
    const child = this.#namespaces.start(this.#namespace, process.execPath, program);
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.#child !== child) return;
      this.#heard.push(JSON.parse(line) as Heard);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
      for (const wake of this.#waiting.splice(0)) wake();
    });
    await this.hears(({ said }) => said === 'ready');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** `cutsOff`: as soon as the edge has it, this controller is out of its reach, until its next start. */
  push(edge: EdgeName, bundle: SignedBundle, cutsOff = false): void {
    this.#child?.stdin.write(`${JSON.stringify({ edge, bundle: SignedBundle.toJSON(bundle), cutsOff })}\n`);
  }

  command(edge: EdgeName, command: SecurityAssociationCommand): void {
    const asked = { edge, command: SecurityAssociationCommand.toJSON(command) };
    this.#child?.stdin.write(`${JSON.stringify(asked)}\n`);
  }

  /** Whether it changes the key shares of an edge on their way. */
  alters(edge: EdgeName, alters: boolean): void {
    this.#child?.stdin.write(`${JSON.stringify({ edge, alters })}\n`);
  }

  /** Key shares that it was given since its start. */
  get shares(): readonly Buffer[] {
    return this.#heard.flatMap(({ said, octets }) => (said === 'share' ? [Buffer.from(String(octets), 'hex')] : []));
  }

  /** The first that it has heard of this kind since its start, or since `from` others. Rejects when it ends without. */
  async hears(is: (heard: Heard) => boolean, from = 0): Promise<Heard> {
    for (;;) {
      const found = this.#heard.slice(from).find(is);
      if (found !== undefined) return found;
      if (this.#child === undefined) throw new Error(`the controller ended: ${JSON.stringify(this.#heard.slice(-5))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** So much has it heard since its start. */
  get count(): number {
    return this.#heard.length;
  }
}

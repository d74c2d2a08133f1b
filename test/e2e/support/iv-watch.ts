import { fileURLToPath } from 'node:url';
import type { Lab } from '@weft/lab';

/** What came of the ESP packets that crossed the router. */
export interface SeenIvs {
  readonly packets: number;
  readonly associations: number;
  /** Those whose IV an association had used before, the first ten. */
  readonly repeated: readonly string[];
  /** What the watch has missed. */
  readonly lost: number;
}

/** Looks at the IV of every ESP packet in UDP that enters the router, until it is asked what it has seen. */
export class IvWatch {
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  static async start(lab: Lab): Promise<IvWatch> {
    await lab.start({
      name: NAME,
      namespace: lab.topology.routerNamespace,
      command: process.execPath,
      args: ['-C', 'source', '--import', import.meta.resolve('@oxc-node/core/register'), PROGRAM],
    });
    await lab.waitForOutput(NAME, '"packets"');
    return new IvWatch(lab);
  }

  async stop(): Promise<SeenIvs> {
    const { stdout } = await this.#lab.stop(NAME, 'SIGKILL');
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as SeenIvs;
  }
}

const NAME = 'iv-watch';
const PROGRAM = fileURLToPath(new URL('./iv-watch-process.ts', import.meta.url));

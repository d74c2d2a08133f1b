import { type EndlessPing, endlessPingArguments, type Flow, type Lab, parseEndlessPing } from '@weft/lab';

/** What the endless ping of one flow saw between its start and its stop. */
export interface EndlessPingResult extends EndlessPing {
  readonly flow: string;
}

/** Pings that go on in the background of a test, one per flow. */
export class EndlessPings {
  readonly #lab: Lab;
  readonly #flows: readonly Flow[];

  private constructor(lab: Lab, flows: readonly Flow[]) {
    this.#lab = lab;
    this.#flows = flows;
  }

  /** Resolves when each flow has had its first answer. */
  static async start(lab: Lab, flows: readonly Flow[]): Promise<EndlessPings> {
    for (const flow of flows) {
      await lab.start({
        name: processName(flow),
        namespace: flow.from.hostNamespace,
        command: 'ping',
        args: endlessPingArguments(flow.destinationAddress),
      });
    }
    await Promise.all(flows.map((flow) => lab.waitForOutput(processName(flow), ' bytes from ')));
    return new EndlessPings(lab, flows);
  }

  async stop(): Promise<readonly EndlessPingResult[]> {
    return Promise.all(
      this.#flows.map(async (flow) => {
        const { stdout } = await this.#lab.stop(processName(flow), 'SIGINT');
        return { flow: processName(flow), ...parseEndlessPing(stdout) };
      }),
    );
  }
}

function processName({ from, to, family }: Flow): string {
  return `ping-${from.name}-${to.name}-${family}`;
}

import { endlessPingArguments, type Flow, type Lab, parsePing } from '@weft/lab';

/** What an endless ping saw between its start and its stop. */
export interface EndlessPingResult {
  readonly flow: string;
  readonly sent: number;
  /** Without the one that may be on its way when ping is interrupted. */
  readonly lost: number;
  /** When each answer arrived, in milliseconds of the machine's clock. */
  readonly answeredAt: readonly number[];
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
        const { sent, received } = parsePing(stdout);
        const answeredAt = [...stdout.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm)].map(
          (line) => Number(line[1]) * 1000,
        );
        return { flow: processName(flow), sent, lost: Math.max(0, sent - received - 1), answeredAt };
      }),
    );
  }
}

function processName({ from, to, family }: Flow): string {
  return `ping-${from.name}-${to.name}-${family}`;
}

import type { Flow, Lab } from '@weft/lab';

/** Whether the source's host can open a TCP connection to a port of the destination's host. */
export async function connects(lab: Lab, flow: Flow, port: number): Promise<boolean> {
  const target = `/dev/tcp/${flow.destinationAddress}/${port}`;
  const { code } = await lab.execute(flow.from.hostNamespace, 'timeout', [
    PATIENCE_SECONDS,
    'bash',
    '-c',
    `: < ${target}`,
  ]);
  return code === 0;
}

/** Long enough for the first SYN to be lost and sent again. */
const PATIENCE_SECONDS = '2.5';

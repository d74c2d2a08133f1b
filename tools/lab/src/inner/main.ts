import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import {
  SANDBOX_LOG_DIRECTORY,
  SANDBOX_STATE_DIRECTORY,
  type SandboxCalls,
  type SandboxMessage,
  type SandboxMethod,
  type SandboxRequest,
} from '../sandbox/protocol.js';
import { LAB_TOPOLOGY } from '../topology/topology.js';
import { CaptureClient } from './capture-client.js';
import { createNetwork } from './network.js';
import { ProcessError, ProcessTable } from './process-table.js';
import { execute, run } from './run.js';

/**
 * The program inside the private namespaces. It does what it is told over standard input and ends when that closes; with it
 * ends every process, namespace and file of the lab, because all of them exist in here only.
 */
type Handlers = {
  readonly [M in SandboxMethod]: (params: SandboxCalls[M]['params']) => Promise<SandboxCalls[M]['result']>;
};

const processes = new ProcessTable((name, { code, signal }) => send({ type: 'exited', name, code, signal }));
const capture = new CaptureClient();

const handlers: Handlers = {
  createNetwork: async () => {
    await createNetwork(LAB_TOPOLOGY);
    return {};
  },
  startProcess: async (spec) => ({ pid: processes.start(spec) }),
  waitForLog: ({ name, message, timeoutMilliseconds }) => processes.waitForLog(name, message, timeoutMilliseconds),
  waitForOutput: async ({ name, text, timeoutMilliseconds }) => {
    await processes.waitForOutput(name, text, timeoutMilliseconds);
    return {};
  },
  stopProcess: ({ name, signal, timeoutMilliseconds }) => processes.stop(name, signal, timeoutMilliseconds),
  waitForExit: ({ name, timeoutMilliseconds }) => processes.waitForExit(name, timeoutMilliseconds),
  execute,
  startCapture: async () => {
    await capture.start();
    return {};
  },
  captureCounts: () => capture.counts(),
  tailLog: async ({ name, lines }) => ({ lines: processes.tail(name, lines) }),
};

await prepare();
const requests = createInterface({ input: process.stdin });
requests.on('line', (line) => {
  const request = JSON.parse(line) as SandboxRequest;
  void answer(request);
});
requests.on('close', () => process.exit(0));
send({ type: 'ready' });

/** Private places for what would otherwise be left on the machine: state, sockets, Postgres' shared memory, temp files. */
async function prepare(): Promise<void> {
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run']);
  await mkdir(SANDBOX_LOG_DIRECTORY, { recursive: true });
  await mkdir(process.env['TMPDIR'] ?? `${SANDBOX_STATE_DIRECTORY}/tmp`, { recursive: true, mode: 0o1777 });
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', '/dev/shm']);
  await run('ip', ['link', 'set', 'dev', 'lo', 'up']);
}

async function answer({ id, method, params }: SandboxRequest): Promise<void> {
  try {
    const handler = handlers[method] as (params: unknown) => Promise<unknown>;
    send({ type: 'result', id, result: await handler(params) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const failure = error instanceof ProcessError ? { message, process: error.process } : { message };
    send({ type: 'failure', id, failure });
  }
}

function send(message: SandboxMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

import { spawn } from 'node:child_process';
import type { ExecuteResult, ExecuteSpec } from '../sandbox/protocol.js';

/** Runs a command to its end; throws with what it wrote to standard error unless it exits 0. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const name = `\`${command} ${args.join(' ')}\``;
  const result = await collect(name, command, args, RUN_TIMEOUT_MILLISECONDS);
  if (result.code !== 0) throw new Error(`${name} failed (${result.code}): ${result.stderr.trim()}`);
  return result.stdout;
}

/** Runs a command in a namespace and gives back how it ended; the caller judges the exit code. */
export function execute(spec: ExecuteSpec): Promise<ExecuteResult> {
  const args = [`--net=/run/netns/${spec.namespace}`, '--', spec.command, ...spec.args];
  const name = `\`${spec.command} ${spec.args.join(' ')}\` in ${spec.namespace}`;
  return collect(name, 'nsenter', args, spec.timeoutMilliseconds);
}

function collect(
  name: string,
  command: string,
  args: readonly string[],
  timeoutMilliseconds: number,
): Promise<ExecuteResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout = `${stdout}${chunk}`.slice(-KEPT_OUTPUT);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk}`.slice(-KEPT_OUTPUT);
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} did not end within ${timeoutMilliseconds / 1000} s. ${stderr}`.trim()));
    }, timeoutMilliseconds);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`${name} cannot be started: ${error.message}`));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

const RUN_TIMEOUT_MILLISECONDS = 10_000;
const KEPT_OUTPUT = 1_048_576;

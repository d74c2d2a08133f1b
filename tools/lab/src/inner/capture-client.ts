import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CaptureCounts } from '../capture/counts.js';
import { DISCARD_PORT, FENCE_PREFIX } from '../capture/fence.js';
import { LAB_TOPOLOGY } from '../topology/topology.js';
import { run } from './run.js';
import { withTimeout } from './with-timeout.js';

/** Owns the capture process and asks it for counts that include everything sent so far. */
export class CaptureClient {
  readonly #fences = new Map<string, (counts: CaptureCounts) => void>();
  #nextFence = 1;
  #ended: Promise<never> | undefined;

  /** Resolves when every link of the router is being captured. */
  async start(): Promise<void> {
    const child = spawn(
      'nsenter',
      [`--net=/run/netns/${LAB_TOPOLOGY.routerNamespace}`, '--', process.execPath, CAPTURE_PROGRAM],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const listening = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line, resolve));
    });
    this.#ended = endOf(child);
    await Promise.race([listening, this.#ended]);
  }

  /** Counts of every packet that entered the router before this call. */
  async counts(): Promise<CaptureCounts> {
    if (this.#ended === undefined) throw new Error('The capture has not been started.');
    const id = `${this.#nextFence++};`;
    const counts = new Promise<CaptureCounts>((resolve) => this.#fences.set(id, resolve));
    const target = `/dev/udp/${LAB_TOPOLOGY.controllerUplink.routerAddress}/${DISCARD_PORT}`;
    await run('nsenter', [
      `--net=/run/netns/${LAB_TOPOLOGY.controllerNamespace}`,
      '--',
      'bash',
      '-c',
      `printf %s '${FENCE_PREFIX}${id}' > ${target}`,
    ]);
    return withTimeout(
      Promise.race([counts, this.#ended]),
      FENCE_TIMEOUT_MILLISECONDS,
      () => new Error(`The capture cannot keep up: no answer within ${FENCE_TIMEOUT_MILLISECONDS / 1000} s.`),
    );
  }

  #onLine(line: string, onListening: () => void): void {
    const record = JSON.parse(line) as { msg: string; fence?: string; counts?: CaptureCounts };
    if (record.msg === 'listening') onListening();
    if (record.msg !== 'counts' || record.counts === undefined || record.fence === undefined) return;
    this.#fences.get(record.fence)?.(record.counts);
    this.#fences.delete(record.fence);
  }
}

function endOf(child: ChildProcess): Promise<never> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-KEPT_STDERR);
  });
  const ended = new Promise<never>((_resolve, reject) => {
    child.on('error', (error) => reject(new Error(`The capture cannot be started: ${error.message}`)));
    child.on('close', (code, signal) => reject(new Error(`The capture ended (${signal ?? code}): ${said.trim()}`)));
  });
  ended.catch(() => undefined); // seen by whoever asks next; not a crash of the sandbox
  return ended;
}

const CAPTURE_PROGRAM = fileURLToPath(new URL('../capture/main.js', import.meta.url));
const FENCE_TIMEOUT_MILLISECONDS = 30_000;
const KEPT_STDERR = 4_096;

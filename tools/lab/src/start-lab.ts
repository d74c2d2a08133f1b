import { randomBytes } from 'node:crypto';
import { type CaptureCounts, countsSince } from './capture/counts.js';
import { proveCapture } from './checks/capture-proof.js';
import { collectEvidence, saveLogs } from './evidence.js';
import { type ControllerApi, logIn } from './fabric/controller-api.js';
import { createFabric, type Fabric } from './fabric/intent.js';
import { CONTROLLER_SOCKET } from './fabric/programs.js';
import { waitForFabric } from './fabric/readiness.js';
import type { Lab, LabOptions } from './lab.js';
import { LabError } from './lab-error.js';
import { LabRuntime } from './lab-runtime.js';
import { type ConsoleForward, forwardConsole } from './sandbox/console-forward.js';
import { THIS_MACHINE } from './sandbox/machine.js';
import { missingRequirements } from './sandbox/requirements.js';
import { requirementsError } from './sandbox/sandbox-error.js';
import { LAB_TOPOLOGY } from './topology/topology.js';

/** Brings up the whole lab; rejects with a LabError that says at which step it failed and where to look. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const onStep = options.onStep ?? (() => undefined);
  const progress: Progress = { step: '', onStep, runtime: undefined, forward: undefined };
  try {
    return await bringUp(options, progress);
  } catch (cause) {
    const sandbox = options.signal?.aborted === true ? undefined : progress.runtime?.sandbox;
    const evidence = await collectEvidence(sandbox, cause);
    await progress.forward?.close();
    await progress.runtime?.close();
    throw new LabError(progress.step, cause, evidence);
  }
}

/** How far the start has come: what a failure has to name and to take down. */
interface Progress {
  step: string;
  readonly onStep: (step: string) => void;
  runtime: LabRuntime | undefined;
  forward: ConsoleForward | undefined;
}

async function bringUp(options: LabOptions, progress: Progress): Promise<Lab> {
  const password = randomBytes(12).toString('base64url');
  const onUnexpectedExit = options.onUnexpectedExit ?? (() => undefined);

  begin(progress, 'What this machine has and allows');
  const missing = missingRequirements(THIS_MACHINE);
  if (missing.length > 0) throw requirementsError(missing);

  begin(progress, 'Network namespaces and links');
  const runtime = await LabRuntime.open(LAB_TOPOLOGY, password, onUnexpectedExit);
  progress.runtime = runtime;
  endWith(runtime, options.signal);
  // A process that dies is named at once, not after the wait for what it will never do.
  return Promise.race([bringUpFabric(runtime, password, options, progress), runtime.unexpectedExit]);
}

async function bringUpFabric(
  runtime: LabRuntime,
  password: string,
  { port = DEFAULT_PORT, keying }: LabOptions,
  progress: Progress,
): Promise<Lab> {
  // What takes long starts first and is waited for in its own step.
  await runtime.startController();
  await runtime.startFileServers();

  begin(progress, 'Capture on the router, proven to see cleartext');
  await runtime.sandbox.call('startCapture', {});
  const baseline = await proveCapture(runtime, LAB_TOPOLOGY);

  begin(progress, 'Controller with its own Postgres');
  await runtime.controllerReady();
  const socket = runtime.sandbox.outsidePath(CONTROLLER_SOCKET);
  const forward = await forwardConsole(port, socket);
  progress.forward = forward;
  const consoleUrl = `http://127.0.0.1:${forward.port}`;

  begin(progress, 'Sites, networks, edges and policy through the API');
  const api = await logIn(consoleUrl, ADMIN, password);
  const fabric = await createFabric(api, LAB_TOPOLOGY, keying);

  begin(progress, 'Enrollment of the edges');
  await Promise.all([...fabric.tokens].map(([site, token]) => runtime.enroll(site, token)));

  begin(progress, 'Edges in sync, tunnels up');
  for (const site of LAB_TOPOLOGY.sites) await runtime.startEdge(site.name);
  await waitForFabric(api, LAB_TOPOLOGY.sites.length, FABRIC_TIMEOUT_MILLISECONDS);
  const fileDigests = await runtime.fileDigests();
  return makeHandle({ runtime, forward, api, fabric, consoleUrl, password, fileDigests, baseline });
}

function begin(progress: Progress, step: string): void {
  progress.step = step;
  progress.onStep(step);
}

interface Parts {
  readonly runtime: LabRuntime;
  readonly forward: ConsoleForward;
  readonly api: ControllerApi;
  readonly fabric: Fabric;
  readonly consoleUrl: string;
  readonly password: string;
  readonly fileDigests: ReadonlyMap<string, string>;
  readonly baseline: CaptureCounts;
}

function makeHandle({ runtime, forward, baseline, ...parts }: Parts): Lab {
  return {
    ...parts,
    topology: runtime.topology,
    userName: ADMIN,
    unexpectedExit: runtime.unexpectedExit,
    execute: (namespace, command, args) => runtime.execute(namespace, command, args),
    start: (spec) => runtime.start(spec),
    waitForLog: async (name, message) => {
      await runtime.waitForLog(name, message);
    },
    waitForOutput: (name, text) => runtime.waitForOutput(name, text),
    tail: async (name, lines) => (await runtime.sandbox.call('tailLog', { name, lines })).lines,
    stop: (name, signal) => runtime.stop(name, signal),
    startController: async () => {
      await runtime.startController();
      await runtime.controllerReady();
    },
    startEdge: (site) => runtime.startEdge(site),
    waitForFabric: () => waitForFabric(parts.api, runtime.topology.sites.length, FABRIC_TIMEOUT_MILLISECONDS),
    captureCounts: async () => countsSince(baseline, await runtime.sandbox.call('captureCounts', {})),
    saveLogs: () => saveLogs(runtime.sandbox),
    failure: async (step, cause) => new LabError(step, cause, await collectEvidence(runtime.sandbox, cause)),
    close: async () => {
      await forward.close();
      await runtime.close();
    },
  };
}

/** Every call into a closed sandbox rejects, so whatever step the start is in ends as well. */
function endWith(runtime: LabRuntime, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
  signal?.addEventListener('abort', () => void runtime.close(), { once: true });
}

const ADMIN = 'admin';
const DEFAULT_PORT = 8080;
const FABRIC_TIMEOUT_MILLISECONDS = 60_000;

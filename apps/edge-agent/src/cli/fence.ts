import { verifySignedBundle } from '../control/bundle/verify-signed-bundle.js';
import { BundleStore, hasBundle } from '../control/bundle-store.js';
import { desiredState } from '../control/reconciler.js';
import { loadIdentity } from '../identity/identity-store.js';
import { createOverlayNetwork, type OverlayNetwork, removeOverlayNetwork } from '../network/overlay-network.js';
import { AgentError } from '../platform/agent-error.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import type { Settings } from '../settings/settings.js';
import { isRunning } from '../status/status-socket.js';
import { closeKnown } from './close.js';

/**
 * Keeps in, before the agent runs, what the last bundle keeps in: the fence, the rule, and the unreachable routes; before the
 * first one, and with one that is of no use, what enrollment and the settings name. For the start of a machine, before its
 * network is up; the agent takes it over as it is, with what the machine is connected to.
 * @returns what to print. Throws AgentError; also after it has closed what it could.
 */
export async function raiseFence(settings: Settings): Promise<string> {
  const { stateDir, device, mark } = settings;
  const state = await StateDirectory.open(stateDir);
  const network = createOverlayNetwork(device, mark);
  let unusable: unknown;
  try {
    const raised = (await hasBundle(state)) ? await raiseFenceOfBundle(state, settings, network) : undefined;
    if (raised !== undefined) return raised;
  } catch (error) {
    unusable = error;
  }
  const { networks, trouble } = await closeKnown(state, settings, network);
  const why = unusable ?? trouble;
  if (why !== undefined) throw why;
  if (networks === 0) return 'no bundle yet, and no network is named: there is nothing to keep in';
  return `closed: traffic of ${networks} prefixes waits for the first policy`;
}

async function raiseFenceOfBundle(
  state: StateDirectory,
  { stateKey }: Settings,
  network: OverlayNetwork,
): Promise<string | undefined> {
  const signed = await new BundleStore(state, await StateKey.open(stateKey)).lastKnownGood();
  if (signed === undefined) return undefined;
  const bundle = verifySignedBundle(signed, await loadIdentity(state), { highestEpoch: 0n, running: undefined });
  const desired = desiredState(bundle, new Set());
  await network.buildFence(desired.fence ?? []);
  for (const family of [4, 6] as const) {
    if (family === 4 ? desired.steersIpv4 : desired.steersIpv6) await network.addRule(family);
  }
  await network.addDirectRoutes([...desired.directRoutes]);
  await network.addUnreachableRoutes([...desired.unreachableRoutes]);
  return `traffic of ${desired.unreachableRoutes.size} prefixes waits for the agent`;
}

/**
 * Takes everything back that keeps traffic in while no agent runs. What is kept of the fabric on disk stays.
 * @returns what to print. Throws AgentError: one that an agent runs, NetworkError.
 */
export async function uninstallEdge({ stateDir }: Settings): Promise<string> {
  const state = await StateDirectory.open(stateDir);
  if (await isRunning(state)) {
    throw new UninstallError(
      'agent_running',
      `an agent runs on ${state.path}`,
      'stop it first: systemctl disable --now weft-edge',
    );
  }
  await removeOverlayNetwork();
  return `the fence, the rules and the routes are gone; ${state.path} is as it was`;
}

/** The agent's traces cannot be taken away yet. */
export class UninstallError extends AgentError<'agent_running'> {
  override readonly name = 'UninstallError';
}

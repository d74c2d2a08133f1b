import { hostname } from 'node:os';
import { hasBundle } from '../control/bundle-store.js';
import { settleEnrollment } from '../control/enrollment-takeover.js';
import { ProtectedNetworksStore } from '../control/protected-networks-store.js';
import {
  type ControllerAddress,
  formatControllerAddress,
  parseControllerAddress,
} from '../identity/controller-address.js';
import { type ControllerPassage, enroll } from '../identity/enrollment-client.js';
import { EnrollmentError } from '../identity/enrollment-error.js';
import { parseEnrollmentToken } from '../identity/enrollment-token.js';
import { IdentityStoreError, loadIdentity, storePendingIdentity } from '../identity/identity-store.js';
import { connectMarked, mayMark } from '../network/marked-connection.js';
import { serveRelay } from '../network/marked-relay.js';
import type { OverlayNetwork } from '../network/overlay-network.js';
import { rememberAddresses } from '../network/remembered-addresses.js';
import { messageOf } from '../platform/agent-error.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { AGENT_VERSION } from '../platform/version.js';
import { closeKnown } from './close.js';

/** Options of `weft-edge enroll`. */
export interface EnrollOptions {
  readonly controller: string;
  readonly token: string;
  readonly stateDir: string;
  /** Firewall mark of the agent's own packets; used where this process may. */
  readonly mark: number;
  readonly stateKey: string;
  /** Networks of other sites that are closed before anything else is done. */
  readonly protectedNetworks: readonly string[];
  /** What to close; undefined: this process may not change it. */
  readonly network: OverlayNetwork | undefined;
}

/**
 * Trades a token for an identity and stores it. One that is in use stays until the agent has reached the controller with the
 * new one. What the edge will protect is closed from here on: first what the settings name, then what the controller says.
 * @returns what to print. Throws AgentError; then nothing was stored, unless it says that the edge is enrolled.
 */
export async function enrollEdge(options: EnrollOptions): Promise<string> {
  const controller = parseControllerAddress(options.controller);
  if (controller === undefined) {
    throw new EnrollmentError(
      'address_malformed',
      `--controller ${JSON.stringify(options.controller)} is not HOST:PORT`,
      'copy the whole enrollment line from the console again',
    );
  }
  const token = parseEnrollmentToken(options.token);
  // Before the token is spent: a place to keep what it buys.
  const state = await StateDirectory.open(options.stateDir);
  const replaced = await whatIsReplaced(state);
  // Nor is it spent where what it buys cannot be sealed, or the packet filter does not take what the settings name.
  const key = await StateKey.open(options.stateKey);
  await close(state, options);
  const { identity, stored, protectedNetworks } = await throughPassage(state, controller, options.mark, (passage) =>
    enroll({ controller, token, hostName: hostname(), agentVersion: AGENT_VERSION, passage }),
  );
  // Before the identity: wherever the power fails, an edge that is enrolled knows what is to be closed.
  if (protectedNetworks !== undefined) await new ProtectedNetworksStore(state, async () => key).keep(protectedNetworks);
  // Beside the one in use, which stays until the controller has welcomed this one; at once where there is none.
  await storePendingIdentity(state, stored);
  await settleEnrollment(state);
  const troubles = options.network === undefined ? [] : await rememberSession(state, identity.session.host);
  const closed = await close(state, options).catch((error: unknown) => {
    throw notClosed(error);
  });
  return [
    ...replaced,
    `enrolled as edge ${identity.edgeName} (${identity.edgeId}) of tenant ${identity.tenantId}`,
    `certificate valid until ${identity.notAfter.toISOString()}, controller session at ${formatControllerAddress(identity.session)}`,
    closed,
    ...troubles,
    `next: weft-edge run --state-dir ${state.path}`,
  ].join('\n');
}

/** @returns what to say of it. Throws NetworkError, StateError. */
async function close(state: StateDirectory, options: EnrollOptions): Promise<string> {
  const { network } = options;
  if (network === undefined)
    return 'nothing is closed yet: this takes CAP_NET_ADMIN; weft-edge run closes what is protected';
  if (await hasBundle(state)) return 'the fence of the last bundle stays as it is';
  const { networks, trouble } = await closeKnown(state, options, network);
  const but = trouble === undefined ? '' : `; ${trouble.message}`;
  return networks === 0
    ? `nothing is closed yet: neither the controller nor the settings name a network of another site${but}`
    : `closed: traffic of ${networks} ${networks === 1 ? 'network' : 'networks'} waits for the first policy${but}`;
}

/**
 * The resolver may be among what is closed: the agent then goes where the controller was found. @returns what to say when that is
 * not known, or cannot be kept; the agent asks again at each start.
 */
async function rememberSession(state: StateDirectory, host: string): Promise<readonly string[]> {
  let trouble: unknown;
  const note = (error: unknown) => {
    trouble = error;
  };
  await rememberAddresses({ state, onTrouble: note })(host).catch(note);
  if (trouble === undefined) return [];
  return [
    `note: where the controller is could not be remembered (${messageOf(trouble)}); the agent asks for it when it starts`,
  ];
}

function notClosed(error: unknown): EnrollmentError {
  return new EnrollmentError(
    'not_closed',
    `the edge is enrolled, but nothing is closed: ${messageOf(error)}`,
    'do what that says, then run `weft-edge fence`; or start the agent, which closes it, too',
    { cause: error },
  );
}

/** What to say of the identity that is there already. Throws StateError. */
async function whatIsReplaced(state: StateDirectory): Promise<readonly string[]> {
  try {
    const { edgeName, edgeId } = await loadIdentity(state);
    return [
      `takes the place of edge ${edgeName} (${edgeId}) when the agent has reached the controller with it: restart the agent`,
    ];
  } catch (error) {
    if (!(error instanceof IdentityStoreError)) throw error;
    return error.code === 'not_enrolled' ? [] : [`replaced an identity that was of no use: ${error.message}`];
  }
}

/**
 * An edge that enrolls once more may still have the routes of its overlay, which lead nowhere when its tunnels are down: the
 * controller is reached around them, as in a session.
 */
async function throughPassage<T>(
  state: StateDirectory,
  controller: ControllerAddress,
  mark: number,
  work: (passage: ControllerPassage) => Promise<T>,
): Promise<T> {
  const marked = mayMark(mark) ? mark : undefined;
  // gRPC hides why a connection was not made, but the ones before it were made to find that out.
  const relay = await serveRelay(state.file(RELAY_FILE), controller, marked, () => undefined);
  try {
    return await work({ connect: (address) => connectMarked(address, marked), target: relay.target });
  } finally {
    await relay.close();
  }
}

const RELAY_FILE = 'enrollment.sock';

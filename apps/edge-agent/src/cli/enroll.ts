import { hostname } from 'node:os';
import { settleEnrollment } from '../control/enrollment-takeover.js';
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
import { StateDirectory } from '../platform/state-directory.js';
import { AGENT_VERSION } from '../platform/version.js';

/** Options of `weft-edge enroll`. */
export interface EnrollOptions {
  readonly controller: string;
  readonly token: string;
  readonly stateDir: string;
  /** Firewall mark of the agent's own packets; used where this process may. */
  readonly mark: number;
}

/**
 * Trades a token for an identity and stores it. One that is in use stays until the agent has reached the controller with the
 * new one. @returns what to print. Throws AgentError; then nothing was stored.
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
  const { identity, stored } = await throughPassage(state, controller, options.mark, (passage) =>
    enroll({ controller, token, hostName: hostname(), agentVersion: AGENT_VERSION, passage }),
  );
  // Beside the one in use, which stays until the controller has welcomed this one; at once where there is none.
  await storePendingIdentity(state, stored);
  await settleEnrollment(state);
  return [
    ...replaced,
    `enrolled as edge ${identity.edgeName} (${identity.edgeId}) of tenant ${identity.tenantId}`,
    `certificate valid until ${identity.notAfter.toISOString()}, controller session at ${formatControllerAddress(identity.session)}`,
    `next: weft-edge run --state-dir ${state.path}`,
  ].join('\n');
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

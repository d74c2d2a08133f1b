import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { AgentError, messageOf, systemCodeOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { AgentStatus } from './agent-status.js';

/** What can be wrong with the local socket. */
export type StatusSocketErrorCode = 'already_running' | 'not_running' | 'socket_unusable' | 'status_unreadable';

/** The local socket cannot be used. */
export class StatusSocketError extends AgentError<StatusSocketErrorCode> {
  override readonly name = 'StatusSocketError';
}

/** The socket on which a running agent tells its status: one JSON document per connection. */
export interface StatusSocket {
  close(): Promise<void>;
}

/**
 * Listens in the state directory (0600). It is also how a second agent on the same directory is found out.
 * Throws StatusSocketError `already_running`, `socket_unusable`.
 */
export async function serveStatus(state: StateDirectory, status: () => Promise<AgentStatus>): Promise<StatusSocket> {
  const path = state.file(SOCKET_FILE);
  if (await answers(path)) {
    throw new StatusSocketError(
      'already_running',
      `another agent runs on ${state.path}`,
      'stop it first, or give this one its own --state-dir',
    );
  }
  // Nobody listens: what is left there belonged to an agent that was killed.
  await rm(path, { force: true });
  const server = createServer((connection) => {
    connection.setTimeout(CLIENT_TIMEOUT_MILLISECONDS, () => connection.destroy());
    // A client that went away is its own affair.
    connection.on('error', () => connection.destroy());
    status().then(
      (value) => connection.end(`${JSON.stringify(value)}\n`),
      () => connection.destroy(),
    );
  });
  server.maxConnections = MAX_CLIENTS;
  await listen(server, path);
  await chmod(path, SOCKET_MODE);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** Asks a running agent. Throws StatusSocketError `not_running`, `status_unreadable`. */
export async function fetchStatus(state: StateDirectory): Promise<AgentStatus> {
  const connection = createConnection(state.file(SOCKET_FILE));
  try {
    return AgentStatus.parse(JSON.parse(await text(connection)));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ECONNREFUSED') {
      throw new StatusSocketError('not_running', `no agent runs on ${state.path}`, 'start it with `weft-edge run`', {
        cause: error,
      });
    }
    throw new StatusSocketError(
      'status_unreadable',
      `the agent's answer cannot be read: ${messageOf(error)}`,
      "look into the agent's log; run as the user who runs the agent",
      { cause: error },
    );
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const fix = 'choose a --state-dir with a shorter path (a socket path has at most 107 octets) that can be written';
      reject(new StatusSocketError('socket_unusable', `${path}: ${messageOf(error)}`, fix, { cause: error }));
    });
    server.listen(path, resolve);
  });
}

const SOCKET_FILE = 'agent.sock';
const SOCKET_MODE = 0o600;
const MAX_CLIENTS = 16;
const CLIENT_TIMEOUT_MILLISECONDS = 5_000;

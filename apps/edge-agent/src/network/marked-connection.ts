import { lookup } from 'node:dns/promises';
import { Socket } from 'node:net';
import { openMarkedStreamSocket, SystemCallError } from '@weft/linux-io';

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Finds the addresses of a host, to be tried in their order. Rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly HostAddress[]>;

/** What the machine's resolver says. */
export const resolveHost: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/**
 * Connects to a host in packets that carry the mark of the agent's own; without a mark, as the machine's routes say. Tries
 * the addresses of the host in turn. Rejects with the last one's error.
 */
export async function connectMarked(
  { host, port }: { readonly host: string; readonly port: number },
  mark: number | undefined,
  resolve: Resolve = resolveHost,
): Promise<Socket> {
  let failure: unknown = new Error(`${host} has no address`);
  for (const { address, family } of await resolve(host)) {
    try {
      return await connect(address, port, family, mark);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Whether this process may mark packets (CAP_NET_ADMIN). Throws SystemCallError for what else is wrong. */
export function mayMark(mark: number): boolean {
  try {
    new Socket({ fd: openMarkedStreamSocket(4, mark) }).destroy();
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EPERM') return false;
    throw error;
  }
}

function connect(host: string, port: number, family: 4 | 6, mark: number | undefined): Promise<Socket> {
  const marked = mark === undefined ? {} : { fd: openMarkedStreamSocket(family, mark) };
  const socket = new Socket({ ...marked, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    const giveUp = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MILLISECONDS, () => giveUp(new Error(`${host} port ${port} does not answer`)));
    socket.once('error', giveUp);
    socket.connect({ host, port, noDelay: true }, () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.off('error', giveUp);
      resolve(socket);
    });
  });
}

const CONNECT_TIMEOUT_MILLISECONDS = 10_000;

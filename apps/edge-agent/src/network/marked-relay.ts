import { lookup } from 'node:dns/promises';
import { chmod, rm } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import { openMarkedStreamSocket } from '@weft/linux-io';

/** A local socket whose connections go on to one address, in packets that carry the mark of the agent's own. */
export interface MarkedRelay {
  /** The socket, as gRPC writes it. */
  readonly target: string;
  close(): Promise<void>;
}

/**
 * Listens on a Unix socket at `path` (0600) and passes every connection on to `address`, octet by octet: gRPC opens its
 * sockets itself and lets nobody mark them, and without the mark the session with the controller would go into an overlay
 * that has a route for everything, the very overlay that it is to bring up. Who speaks at the other end is for TLS to say,
 * between the ends. `onFailure` hears why a connection was not passed on; it is closed then.
 */
export async function serveRelay(
  path: string,
  address: { readonly host: string; readonly port: number },
  mark: number,
  onFailure: (error: unknown) => void,
): Promise<MarkedRelay> {
  // What is left there belonged to an agent that was killed.
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (local) => {
    const keep = (socket: Socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => socket.destroy());
    };
    keep(local);
    dial(address.host, address.port, mark).then(
      (remote) => {
        keep(remote);
        join(local, remote);
      },
      (error: unknown) => {
        onFailure(error);
        local.destroy();
      },
    );
  });
  server.maxConnections = MAXIMUM_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, SOCKET_MODE);
  return {
    target: `unix:${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of open) connection.destroy();
      }),
  };
}

/** Tries the addresses of a host in the order that the resolver gives them. Rejects with the last one's error. */
async function dial(host: string, port: number, mark: number): Promise<Socket> {
  let failure: unknown = new Error(`${host} has no address`);
  for (const { address, family } of await lookup(host, { all: true })) {
    try {
      return await connect(address, port, family === 4 ? 4 : 6, mark);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function connect(host: string, port: number, family: 4 | 6, mark: number): Promise<Socket> {
  const socket = new Socket({ fd: openMarkedStreamSocket(family, mark), allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    const giveUp = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MILLISECONDS, () => giveUp(new Error(`${host} port ${port} does not answer`)));
    socket.once('error', giveUp);
    socket.connect({ host, port, noDelay: true }, () => {
      socket.setTimeout(0);
      socket.off('error', giveUp);
      resolve(socket);
    });
  });
}

/** Each end's octets go to the other, and its end when all of them have; when one breaks off, so does the other. */
function join(local: Socket, remote: Socket): void {
  if (local.destroyed) {
    remote.destroy();
    return;
  }
  local.once('error', () => remote.destroy());
  remote.once('error', () => local.destroy());
  local.pipe(remote);
  remote.pipe(local);
}

const SOCKET_MODE = 0o600;
/** The session has one connection, and another while the last one ends. */
const MAXIMUM_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MILLISECONDS = 10_000;

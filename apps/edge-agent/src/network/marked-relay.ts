import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { connectMarked, type Resolve, resolveHost } from './marked-connection.js';

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
 * between the ends. Without a mark it only passes on. `onFailure` hears why a connection was not passed on; it is closed then.
 */
export async function serveRelay(
  path: string,
  address: { readonly host: string; readonly port: number },
  mark: number | undefined,
  onFailure: (error: unknown) => void,
  resolve: Resolve = resolveHost,
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
    connectMarked(address, mark, resolve).then(
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
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(path, listening);
  });
  await chmod(path, SOCKET_MODE);
  return {
    target: `unix:${path}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const connection of open) connection.destroy();
      }),
  };
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

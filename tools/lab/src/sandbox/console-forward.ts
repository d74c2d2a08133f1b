import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';

/** A loopback port of this machine that leads to the controller's Unix socket inside the lab. */
export interface ConsoleForward {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on the wanted port of 127.0.0.1, or on any free one when it is taken. */
export async function forwardConsole(wantedPort: number, socketPath: string): Promise<ConsoleForward> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const target = connectSocket(socketPath);
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(socket);
      // One end failing (a browser gone, a controller restarting) closes the other: that is all there is to do.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroySoon();
      });
    }
    client.pipe(target);
    target.pipe(client);
  });
  const port = await listen(server, wantedPort).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return listen(server, 0);
    throw error;
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

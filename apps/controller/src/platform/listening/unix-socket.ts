import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { ListenError } from './listen-error.js';

/** Removes the socket file of a process that is gone. Throws ListenError when it is alive, or when the file is no socket. */
export async function removeStaleSocket(variable: string, path: string): Promise<void> {
  const status = await lstat(path).catch(absent);
  if (status === undefined) return;
  if (!status.isSocket()) {
    throw new ListenError(variable, `unix:${path}`, 'not_a_socket', 'the path exists and is no socket');
  }
  if (await answers(path)) {
    throw new ListenError(variable, `unix:${path}`, 'socket_in_use', 'another program listens there');
  }
  await unlink(path).catch(absent);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

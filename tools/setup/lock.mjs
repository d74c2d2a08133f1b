// Two set-ups of one checkout at once would install and build over each other: the second waits for the first.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { say } from './phase-line.mjs';

/**
 * Waits until no other process sets this checkout up, and keeps others waiting until the returned function is called or
 * this process ends, however it ends.
 *
 * The lock is the name of an abstract Unix socket (unix(7)): the kernel gives it to one process at a time and takes it
 * back with the process, so that nothing is left over to be found stale. Waiting is a connection to its holder, which
 * ends with it. Only Linux has such names; elsewhere nobody is kept waiting.
 *
 * @param {string} checkout directory
 * @returns {Promise<() => Promise<void>>}
 */
export async function holdSetupLock(checkout) {
  if (process.platform !== 'linux') return async () => undefined;
  const digest = createHash('sha256').update(fs.realpathSync(checkout)).digest('hex');
  const name = `\0weft-setup-${process.getuid?.()}-${digest.slice(0, 32)}`;
  let said = false;
  for (;;) {
    const release = await take(name);
    if (release !== undefined) return release;
    await untilReleased(name, (holder) => {
      if (!said) say(`Waiting for another set-up of this checkout (process ${holder}).`);
      said = true;
    });
  }
}

/**
 * @param {string} name
 * @returns {Promise<(() => Promise<void>) | undefined>} what gives the name back; undefined when it is taken
 */
function take(name) {
  return new Promise((resolve, reject) => {
    /** @type {Set<net.Socket>} */
    const waiting = new Set();
    const server = net.createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined); // who waits may lose patience
      socket.on('close', () => waiting.delete(socket));
      socket.write(String(process.pid));
    });
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      server.unref();
      resolve(
        () =>
          new Promise((released) => {
            server.close(() => released());
            for (const socket of waiting) socket.destroy();
          }),
      );
    });
  });
}

/**
 * @param {string} name
 * @param {(holder: string) => void} heard called with the holder's process id
 * @returns {Promise<void>}
 */
function untilReleased(name, heard) {
  return new Promise((resolve) => {
    const socket = net.connect(name);
    socket.setEncoding('utf8').once('data', heard);
    // Refused or reset: it was released between the two looks. Either way it is time to try again.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * One TCP transfer, as a process for a network namespace.
 * usage: transfer.ts serve ADDRESS PORT OCTETS  |  transfer.ts fetch LOCAL ADDRESS PORT
 * Both print a line of JSON with the SHA-256 of what they sent or received; the server prints "ready" first.
 */
const [role, ...rest] = process.argv.slice(2);
if (role === 'serve') serve(rest[0] ?? '', Number(rest[1]), Number(rest[2]));
else fetchOnce(rest[0] ?? '', rest[1] ?? '', Number(rest[2]));

function serve(address: string, port: number, octets: number): void {
  const block = Buffer.alloc(64 * 1024, 'plaintext-marker ');
  const server = createServer((socket) => {
    const hash = createHash('sha256');
    let left = octets;
    const more = () => {
      while (left > 0) {
        const piece = block.subarray(0, Math.min(left, block.length));
        left -= piece.length;
        hash.update(piece);
        if (!socket.write(piece)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end();
      server.close();
      process.stdout.write(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
    };
    more();
  });
  server.listen(port, address, () => process.stdout.write('ready\n'));
}

function fetchOnce(localAddress: string, host: string, port: number): void {
  const hash = createHash('sha256');
  let octets = 0;
  const started = performance.now();
  const socket = connect({ localAddress, host, port });
  socket.on('data', (piece) => {
    octets += piece.length;
    hash.update(piece);
  });
  socket.on('end', () => {
    const milliseconds = performance.now() - started;
    process.stdout.write(`${JSON.stringify({ sha256: hash.digest('hex'), octets, milliseconds })}\n`);
  });
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}

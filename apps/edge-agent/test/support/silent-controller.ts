import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { type SessionRequest, type SessionResponse, SessionServiceService } from '@weft/contracts/southbound';

/**
 * Something at the address of a controller that never says Welcome: `mute` takes the connection, `drip` begins a TLS record in it,
 * one octet at a time, and `open` is the controller and takes the stream.
 * usage: silent-controller.ts mute|drip|open PORT FILE, the last as controller-process.ts has it
 */
const [kind = '', port = '', file = ''] = process.argv.slice(2);
if (kind === 'open') await takeStreams();
else takeConnections();

async function takeStreams(): Promise<void> {
  const { rootPem, keyPem, chainPem } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const pair = { private_key: Buffer.from(keyPem ?? ''), cert_chain: Buffer.from(chainPem ?? '') };
  const credentials = ServerCredentials.createSsl(Buffer.from(rootPem ?? ''), [pair], true);
  const server = new Server();
  server.addService(SessionServiceService, {
    session: (stream: ServerDuplexStream<SessionRequest, SessionResponse>) => {
      stream.on('data', () => undefined);
      stream.on('error', () => undefined);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`0.0.0.0:${port}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
  process.stdout.write('ready\n');
}

function takeConnections(): void {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    if (kind === 'drip') drip(socket);
  });
  server.listen(Number(port), '0.0.0.0', () => process.stdout.write('ready\n'));
}

/** A handshake record (RFC 8446 section 5.1) of the largest size, which would take an hour. */
function drip(socket: Socket): void {
  const record = Uint8Array.of(0x16, 0x03, 0x03, 0x40, 0x00);
  let at = 0;
  const timer = setInterval(() => socket.write(Uint8Array.of(record[at++] ?? 0x02)), DRIP_MILLISECONDS);
  socket.once('close', () => clearInterval(timer));
}

const DRIP_MILLISECONDS = 200;

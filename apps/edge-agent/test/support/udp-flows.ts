import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/**
 * Numbered datagrams of many flows, there and back.
 *
 *     udp-flows.ts serve PORT ADDRESS…
 *     udp-flows.ts send PORT LOCAL FLOWS DATAGRAMS OCTETS ADDRESS…
 *
 * `serve` answers each with its number. `send` has FLOWS sockets for each ADDRESS, and sends in each what WINDOW allows: so that
 * none is lost by being too many. Both print one line of JSON: how many came, and how many of them not behind their predecessor.
 * When nothing comes any more, `send` prints what did.
 */
const WINDOW = 4;
/** Longer than a machine under load keeps all of this waiting. */
const SILENCE_MILLISECONDS = 30_000;
const [mode, port = '0', ...rest] = process.argv.slice(2);
const seen = { received: 0, disordered: 0 };
if (mode === 'serve') await serve(rest);
else {
  const [local = '', flows = '1', datagrams = '1', octets = '4', ...addresses] = rest;
  const runs = addresses.flatMap((address) =>
    Array.from({ length: Number(flows) }, () => flow(local, address, Number(datagrams), Number(octets))),
  );
  let before = -1;
  const silence = setInterval(() => {
    if (seen.received === before) finish();
    before = seen.received;
  }, SILENCE_MILLISECONDS);
  await Promise.all(runs);
  clearInterval(silence);
  finish();
}

function finish(): void {
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
}

async function serve(addresses: readonly string[]): Promise<void> {
  const sockets = await Promise.all(addresses.map((address) => bound(address, Number(port))));
  for (const socket of sockets) {
    const last = new Map<string, number>();
    socket.on('message', (message, { address, port: from }) => {
      const number = message.readUInt32BE(0);
      count(number, last.get(`${address} ${from}`) ?? -1);
      last.set(`${address} ${from}`, number);
      socket.send(message, from, address);
    });
  }
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  for (const socket of sockets) socket.close();
  process.stdin.pause();
}

/** One flow, until everything is answered. */
async function flow(local: string, address: string, datagrams: number, octets: number): Promise<void> {
  const socket = await bound(local, 0);
  let next = 0;
  let last = -1;
  const sendNext = () => {
    const message = Buffer.alloc(octets, next);
    message.writeUInt32BE(next++, 0);
    socket.send(message, Number(port), address);
  };
  await new Promise<void>((resolve) => {
    let answered = 0;
    socket.on('message', (message) => {
      const number = message.readUInt32BE(0);
      count(number, last);
      last = number;
      if (++answered === datagrams) resolve();
      else if (next < datagrams) sendNext();
    });
    while (next < Math.min(WINDOW, datagrams)) sendNext();
  });
  socket.close();
}

function count(number: number, last: number): void {
  seen.received++;
  if (number !== last + 1) seen.disordered++;
}

async function bound(address: string, on: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.bind(on, address);
  await once(socket, 'listening');
  return socket;
}

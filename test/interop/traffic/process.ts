import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * The other side of the tunnel's ends: echoes whatever comes by UDP and TCP to port 7, and sends on request. Requests
 * are lines of JSON on standard input, answers lines on standard output.
 */
export type TrafficRequest =
  /** Numbered datagrams, one every `interval` milliseconds, until `stop`; those that are missing then get `patience`. */
  | { readonly kind: 'start-probes'; readonly source: string; readonly destination: string; readonly interval: number }
  /** Answered when so many more have come back. */
  | { readonly kind: 'await-probes'; readonly count: number }
  | { readonly kind: 'stop-probes'; readonly patience: number }
  /** As many octets as that, and whether the same came back. */
  | { readonly kind: 'stream'; readonly source: string; readonly destination: string; readonly octets: number };

export interface ProbeResult {
  readonly sent: number;
  readonly received: number;
  /** Numbers of those that never came back. */
  readonly missing: readonly number[];
}

const ECHO_PORT = 7;
let awaitProbes: ((count: number) => Promise<void>) | undefined;
let stopProbes: ((patience: number) => Promise<ProbeResult>) | undefined;

function serve(): Promise<void> {
  const udp = createSocket('udp4', (octets, { address, port }) => udp.send(octets, port, address));
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  return new Promise((resolve) => {
    udp.bind(ECHO_PORT, () => tcp.listen(ECHO_PORT, '0.0.0.0', resolve));
  });
}

async function startProbes(source: string, destination: string, interval: number): Promise<void> {
  const outstanding = new Set<number>();
  let sent = 0;
  let allBack: (() => void) | undefined;
  let waiting: { left: number; readonly resolve: () => void } | undefined;
  const socket = createSocket('udp4', (octets) => {
    outstanding.delete(octets.readUInt32BE(0));
    if (waiting !== undefined && --waiting.left === 0) waiting.resolve();
    if (outstanding.size === 0) allBack?.();
  });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.bind(0, source, resolve));
  const timer = setInterval(() => {
    const octets = Buffer.alloc(200);
    octets.writeUInt32BE(sent);
    outstanding.add(sent++);
    socket.send(octets, ECHO_PORT, destination, () => undefined);
  }, interval);
  awaitProbes = (count) =>
    new Promise((resolve) => {
      waiting = { left: count, resolve };
    });
  stopProbes = async (patience) => {
    clearInterval(timer);
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, patience);
      allBack = () => {
        clearTimeout(giveUp);
        resolve();
      };
      if (outstanding.size === 0) allBack();
    });
    socket.close();
    return { sent, received: sent - outstanding.size, missing: [...outstanding] };
  };
}

function stream(source: string, destination: string, octets: number): Promise<boolean> {
  const sent = randomBytes(octets);
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const socket = connect({ localAddress: source, host: destination, port: ECHO_PORT }, () => socket.end(sent));
    socket.setTimeout(STREAM_SILENCE, () => socket.destroy(new Error(`TCP to ${destination}: silence`)));
    socket.on('error', reject);
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('end', () => resolve(Buffer.concat(pieces).equals(sent)));
  });
}

async function answer(request: TrafficRequest): Promise<unknown> {
  if (request.kind === 'start-probes') return startProbes(request.source, request.destination, request.interval);
  if (request.kind === 'await-probes') return awaitProbes?.(request.count);
  if (request.kind === 'stop-probes') return stopProbes?.(request.patience);
  return stream(request.source, request.destination, request.octets);
}

const STREAM_SILENCE = 20_000;

await serve();
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { id, request } = JSON.parse(line) as { id: number; request: TrafficRequest };
  const reply = await answer(request).then(
    (result) => ({ id, result }),
    (error: Error) => ({ id, error: error.message }),
  );
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);

import { PEER, US, within } from './network.js';

/** Pings both ways, and a TCP stream that comes back octet for octet. Throws when anything is lost. */
export async function exchangeTraffic(peerHost: string = PEER.host): Promise<void> {
  await Promise.all([
    pings(US.namespace, US.host, peerHost, 3, 0.01),
    pings(PEER.namespace, peerHost, US.host, 3, 0.01),
    echo(peerHost),
  ]);
}

/** @returns how many answers came. Throws unless all did. */
export async function pings(
  namespace: string,
  source: string,
  destination: string,
  count: number,
  interval: number,
): Promise<void> {
  const args = ['-n', '-c', String(count), '-i', String(interval), '-W', '2', '-I', source, destination];
  const output = await within(namespace, 'ping', args).catch((error: { stdout?: string }) => error.stdout ?? '');
  const received = Number(/(\d+) received/.exec(output)?.[1] ?? 0);
  if (received !== count) throw new Error(`${count - received} of ${count} pings to ${destination} were lost`);
}

async function echo(host: string): Promise<void> {
  const output = await within(US.namespace, process.execPath, ['-e', ECHO_CLIENT, US.host, host, String(ECHO_OCTETS)]);
  if (output.trim() !== 'equal') throw new Error(`TCP to ${host}: ${output.trim()}`);
}

/** Serves whoever connects with what it sends; to be started in the namespace of the peer. */
export const ECHO_SERVER = `require('net').createServer((s) => { s.on('error', () => 0); s.pipe(s); }).listen(7, '0.0.0.0', () => console.log('ready'))`;

const ECHO_CLIENT = `
const [localAddress, host, octets] = process.argv.slice(1);
const sent = require('crypto').randomBytes(Number(octets));
const got = [];
const socket = require('net').connect({ localAddress, host, port: 7 }, () => socket.end(sent));
socket.setTimeout(5000, () => socket.destroy(new Error('silence')));
socket.on('error', (error) => console.log(error.message));
socket.on('data', (piece) => got.push(piece));
socket.on('end', () => console.log(Buffer.concat(got).equals(sent) ? 'equal' : 'different'));
`;
const ECHO_OCTETS = 65_536;

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  allocate,
  DatagramBatch,
  encodeSocketAddress,
  IPV6_HEADER_OCTETS,
  openRawSocket,
  openTunQueues,
  openUdpSocket,
  POLLIN,
  PollSet,
  ReceiveBatch,
  SendBatch,
  socketOfSpi,
  type Tun,
  type UdpSocket,
} from '@weft/linux-io';

/** One scenario in the network namespace of this process; prints what it saw as JSON. */
const THREADS = 3;
const FLOWS = 24;
const scenarios: Readonly<Record<string, () => unknown>> = {
  one,
  queues,
  shares4: () => shares(4),
  shares6: () => shares(6),
};
process.stdout.write(JSON.stringify(scenarios[process.argv[2] ?? '']?.()));

/** What is opened for a single thread is a device like any other. */
function one(): unknown {
  const [device, ...others] = openTunQueues('wt0', {}, 1);
  const said = { others: others.length, sameDescriptor: device?.fd === device?.writeFd, multiQueue: isMultiQueue() };
  device?.close();
  return said;
}

function isMultiQueue(): boolean {
  return / multi_queue /.test(execFileSync('ip', ['-d', 'link', 'show', 'dev', 'wt0'], { encoding: 'utf8' }));
}

function queues(): unknown {
  // Otherwise the kernel's own IPv6 chatter comes out of the device too.
  writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
  const device = openTunQueues('wt0', {}, THREADS);
  for (const command of ['link set wt0 up', 'address add 10.9.0.1/24 dev wt0']) ip(command);
  const sockets = Array.from({ length: FLOWS }, () => udpSocket());
  const before = sockets.map((socket) => queueOf(device, socket, 20));
  for (const [index, socket] of sockets.entries()) writeAnswer(device[index % THREADS], socket);
  const answersArrived = sockets.every((socket) => isReadable(socket.fd));
  const after = sockets.map((socket) => queueOf(device, socket, 20));
  const multiQueue = isMultiQueue();
  const fragments = new Set(sockets.map((socket) => queueOf(device, socket, 4000)));
  for (const each of device) each.close();
  return {
    multiQueue,
    queues: [...new Set(before)].sort(),
    oneEach: before.every((queue) => queue >= 0),
    keptAfterWrites: before.every((queue, index) => queue === after[index]),
    answersArrived,
    // All flows are between the same two addresses.
    fragmentsMeet: fragments.size === 1 && !fragments.has(-1),
    goneAfterClose: !execFileSync('ip', ['link', 'show'], { encoding: 'utf8' }).includes('wt0'),
  };
}

/** The queue that all packets of a datagram of this socket come to, or -1. */
function queueOf(device: readonly Tun[], socket: UdpSocket, octets: number): number {
  const batch = new DatagramBatch(1, 8192);
  batch.prepare(0, octets, encodeSocketAddress({ address: Uint8Array.of(10, 9, 0, 2), port: 9 }));
  if (socket.send(batch, 0, 1) !== 1) throw new Error('not sent');
  const memory = allocate(2048);
  const found = new Set<number>();
  // Sending has put everything into the queues when it returns.
  for (const [index, queue] of device.entries()) {
    while (queue.read(memory, 0, 2048) > 0) found.add(index);
  }
  const [only = -1] = found;
  return found.size === 1 ? only : -1;
}

/** What the other end would answer, written by the thread of this queue. */
function writeAnswer(device: Tun | undefined, socket: UdpSocket): void {
  const { port } = socket.localEndpoint();
  const memory = allocate(32);
  memory.bytes.set([0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]);
  memory.bytes.set([0, 9, port >>> 8, port & 255, 0, 12, 0, 0, 1, 2, 3, 4], 20);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += memory.view.getUint16(at);
  memory.view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)));
  if (device?.write(memory, 0, 32) !== 32) throw new Error('the device took less');
}

/** Packets of ESP to ourselves, by raw sockets of which each is to take its share. */
function shares(family: 4 | 6): unknown {
  ip('link set lo up');
  const spis = Array.from({ length: 40 }, (_, index) => 0x100 + index * 7919);
  const options = { bufferOctets: 1 << 20 };
  const sockets = Array.from({ length: THREADS }, (_, socket) =>
    openRawSocket(family, 'esp', { ...options, share: { socket, sockets: THREADS } }),
  );
  // Some longer than one page, one with fewer octets than an SPI has.
  const packets = [
    ...spis.map((spi, index) => espPacket(family, spi, index % 5 === 0 ? 9000 : 40)),
    espPacket(family, 0, 2),
  ];
  const memory = allocate(16_384);
  const batch = new SendBatch(memory, 1);
  for (const packet of packets) {
    batch.clear();
    memory.bytes.set(packet);
    batch.addPacket(0, packet.length);
    if (sockets[0]?.send(batch, 0, 1) !== 1) throw new Error('not sent');
  }
  const incoming = new ReceiveBatch(allocate(64 * 16_384), 64, 16_384, IPV6_HEADER_OCTETS);
  const seen: { spi: number; socket: number }[] = [];
  const short: number[] = [];
  for (const [index, socket] of sockets.entries()) {
    short[index] = 0;
    if (!isReadable(socket.fd)) continue;
    const count = socket.receive(incoming);
    for (let slot = 0; slot < count; slot++) {
      const header = family === 4 ? 24 : 0;
      const octets = incoming.length(slot) - header;
      if (octets < 4) short[index]++;
      else seen.push({ spi: incoming.memory.view.getUint32(incoming.offset(slot) + header), socket: index });
    }
  }
  for (const socket of sockets) socket.close();
  return {
    ofSpi: seen.every(({ spi, socket }) => socket === socketOfSpi(spi, THREADS)),
    short,
    all: JSON.stringify(seen.map(({ spi }) => spi).sort((a, b) => a - b)) === JSON.stringify(spis),
  };
}

/** From the loopback to itself; over IPv4 with an option, so that the header is not the shortest. */
function espPacket(family: 4 | 6, spi: number, octets: number): Uint8Array {
  const header = family === 4 ? 24 : 40;
  const packet = new Uint8Array(header + octets);
  const view = new DataView(packet.buffer);
  if (family === 4) {
    packet.set([
      0x46,
      0,
      packet.length >>> 8,
      packet.length & 255,
      0,
      0,
      0,
      0,
      64,
      50,
      0,
      0,
      127,
      0,
      0,
      1,
      127,
      0,
      0,
      1,
    ]);
    packet.set([1, 1, 1, 0], 20);
  } else {
    packet.set([0x60, 0, 0, 0, octets >>> 8, octets & 255, 50, 64]);
    for (const at of [23, 39]) packet[at] = 1;
  }
  if (octets >= 4) view.setUint32(header, spi);
  return packet;
}

function udpSocket(): UdpSocket {
  // Large datagrams leave as fragments.
  return openUdpSocket(
    { address: Uint8Array.of(10, 9, 0, 1), port: 0 },
    { bufferOctets: 1 << 16, pathMtuDiscovery: 'want' },
  );
}

function isReadable(fd: number): boolean {
  const set = new PollSet(1);
  set.watch(0, fd, POLLIN);
  return set.wait(10_000) === 1;
}

function ip(command: string): void {
  execFileSync('ip', command.split(' '));
}

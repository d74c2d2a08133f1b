import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  allocate,
  DatagramBatch,
  encodeSocketAddress,
  errnoName,
  type Memory,
  openTun,
  openUdpSocket,
  POLLIN,
  PollSet,
  SystemCallError,
  type Tun,
} from '@weft/linux-io';

/** One scenario in the network namespace of this process; prints what it saw as JSON. */
const scenarios: Readonly<Record<string, () => unknown>> = { tun, busy, udp4: () => udp(false), udp6: () => udp(true) };
process.stdout.write(JSON.stringify(scenarios[process.argv[2] ?? '']?.()));

function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8' });
}

function waitReadable(fd: number): void {
  const set = new PollSet(1);
  set.watch(0, fd, POLLIN);
  set.wait(-1);
}

function tun(): unknown {
  // Otherwise the kernel's own IPv6 chatter may come out of the device first.
  writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
  const device = openTun('wt0');
  const memory = allocate(2048);
  const empty = errnoName(-device.read(memory, 0, 2048));
  ip('link set wt0 up');
  ip('address add 10.9.0.1/24 dev wt0');

  const socket = openUdpSocket({ address: Uint8Array.of(10, 9, 0, 1), port: 0 }, { bufferOctets: 65_536 });
  const batch = new DatagramBatch(1, 2048);
  const text = Buffer.from('into the device');
  batch.bytes.set(text);
  batch.prepare(0, text.length, encodeSocketAddress({ address: Uint8Array.of(10, 9, 0, 2), port: 9 }));
  socket.send(batch, 0, 1);
  const packet = readIpv4(device, memory);
  const outgoing = {
    version: (packet[0] ?? 0) >> 4,
    protocol: packet[9],
    destination: packet.subarray(16, 20).join('.'),
    payload: Buffer.from(packet.subarray(28)).toString(),
  };

  const request = echoRequest('out of the device');
  memory.bytes.set(request, 200);
  if (device.write(memory, 200, request.length) !== request.length) throw new Error('the device took less');
  const reply = readIpv4(device, memory);
  const answer = {
    protocol: reply[9],
    type: reply[20],
    source: reply.subarray(12, 16).join('.'),
    destination: reply.subarray(16, 20).join('.'),
    payload: Buffer.from(reply.subarray(28)).toString(),
  };
  socket.close();
  const { name } = device;
  device.close();
  return { empty, name, outgoing, answer, goneAfterClose: !ip('link show').includes('wt0') };
}

/** The next IPv4 packet: a device that comes up may carry IPv6 of the kernel's own (MLD reports, RFC 3810) first. */
function readIpv4(device: Tun, memory: Memory): Uint8Array {
  for (;;) {
    waitReadable(device.fd);
    const packet = memory.bytes.slice(0, device.read(memory, 0, 2048));
    if ((packet[0] ?? 0) >> 4 === 4) return packet;
  }
}

function busy(): unknown {
  const device = openTun('wt0');
  try {
    openTun('wt0');
    return 'opened twice';
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return { code: error.code, call: error.call, saysWhatToDo: error.message.includes('another process holds') };
  } finally {
    device.close();
  }
}

function udp(ipv6: boolean): unknown {
  ip('link set lo up');
  const address = ipv6 ? Uint8Array.from([...new Array<number>(15).fill(0), 1]) : Uint8Array.of(127, 0, 0, 1);
  const [sender, receiver] = [0, 4500].map((port) => openUdpSocket({ address, port }, { bufferOctets: 8 << 20 }));
  if (sender === undefined || receiver === undefined) throw new Error('no sockets');
  const lengths = [1, 1400, 9000];
  const outgoing = new DatagramBatch(lengths.length, 16_384);
  const destination = encodeSocketAddress({ address, port: 4500 });
  lengths.forEach((length, slot) => {
    outgoing.prepare(slot, length, destination);
  });
  if (sender.send(outgoing, 0, lengths.length) !== lengths.length) throw new Error('not all were sent');
  waitReadable(receiver.fd);
  const incoming = new DatagramBatch(8, 16_384);
  const received = receiver.receive(incoming);
  const source = incoming.source(0)?.address ?? new Uint8Array();
  return {
    received,
    source: ipv6 ? [...source].filter((_, index) => index % 2 === 1).join(':') : source.join('.'),
    lengths: lengths.map((_, slot) => incoming.length(slot)),
    buffer: sender.localEndpoint().port > 0,
  };
}

/** An ICMP echo request (RFC 792) from 10.9.0.2 to 10.9.0.1. */
function echoRequest(text: string): Uint8Array {
  const payload = Buffer.from(text);
  const packet = new Uint8Array(28 + payload.length);
  packet.set([0x45, 0, 0, packet.length, 0, 0, 0, 0, 64, 1, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]);
  packet.set([8, 0, 0, 0, 0, 1, 0, 1], 20);
  packet.set(payload, 28);
  writeChecksum(packet, 0, 20, 10);
  writeChecksum(packet, 20, packet.length, 22);
  return packet;
}

function writeChecksum(packet: Uint8Array, from: number, to: number, at: number): void {
  let sum = 0;
  for (let index = from; index < to; index += 2)
    sum += ((packet[index] ?? 0) << 8) | (index + 1 < to ? (packet[index + 1] ?? 0) : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet[at] = (~sum >>> 8) & 0xff;
  packet[at + 1] = ~sum & 0xff;
}

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  allocate,
  DatagramBatch,
  encodeSocketAddress,
  errnoName,
  IPV6_HEADER_OCTETS,
  type Memory,
  openPacketTooBigSocket,
  openRawSocket,
  openTun,
  openUdpSocket,
  POLLIN,
  PollSet,
  ReceiveBatch,
  restoreIpv6Header,
  SendBatch,
  SystemCallError,
  type Tun,
} from '@weft/linux-io';

/** One scenario in the network namespace of this process; prints what it saw as JSON. */
const scenarios: Readonly<Record<string, () => unknown>> = {
  tun,
  busy,
  udp4: () => udp(false),
  udp6: () => udp(true),
  raw4: () => raw(4),
  raw6: () => raw(6),
  extension: rawBehindExtensionHeaders,
  tooBig,
};
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

/** Packets of both protocols out of a raw socket and back in by way of the loopback; they must come as they went. */
function raw(family: 4 | 6): unknown {
  ip('link set lo up');
  const memory = allocate(1 << 17);
  const said = (['esp', 'ah'] as const).map((protocol) => {
    const socket = openRawSocket(family, protocol, { bufferOctets: 1 << 20, mark: 7, pathMtuDiscovery: 'probe' });
    const batch = new SendBatch(memory, 3);
    const packets = [60, 1400, 60_000].map((length) => rawPacket(family, protocol === 'esp' ? 50 : 51, length));
    let at = 0;
    for (const packet of packets) {
      memory.bytes.set(packet, at);
      batch.addPacket(at, packet.length);
      at += packet.length;
    }
    const sent = socket.send(batch, 0, packets.length);
    waitReadable(socket.fd);
    const incoming = new ReceiveBatch(allocate(8 * 66_000), 8, 66_000, IPV6_HEADER_OCTETS);
    const received = socket.receive(incoming);
    const same = packets.map((packet, slot) => {
      const restored = family === 6 && restoreIpv6Header(incoming, slot, protocol) ? IPV6_HEADER_OCTETS : 0;
      const start = incoming.offset(slot) - restored;
      const arrived = incoming.memory.bytes.subarray(start, start + restored + incoming.length(slot));
      // The kernel has computed what the checksum of the IPv4 header has to be.
      if (family === 4) packet.set(arrived.subarray(10, 12), 10);
      return Buffer.compare(arrived, packet) === 0;
    });
    socket.close();
    return { protocol, sent, received, same };
  });
  return said;
}

function rawBehindExtensionHeaders(): unknown {
  ip('link set lo up');
  const memory = allocate(4096);
  const socket = openRawSocket(6, 'ah', { bufferOctets: 1 << 20 });
  const packet = rawPacket(6, 60, 100);
  // Destination options with padding, in front of AH.
  packet.set([51, 0, 1, 4, 0, 0, 0, 0], 40);
  memory.bytes.set(packet);
  const batch = new SendBatch(memory, 1);
  batch.addPacket(0, packet.length);
  socket.send(batch, 0, 1);
  waitReadable(socket.fd);
  const incoming = new ReceiveBatch(allocate(4096), 1, 4096, IPV6_HEADER_OCTETS);
  return { received: socket.receive(incoming), restored: restoreIpv6Header(incoming, 0, 'ah') };
}

/** ICMPv6 of several types to ourselves, of which one is heard. */
function tooBig(): unknown {
  ip('link set lo up');
  const memory = allocate(4096);
  const sender = openRawSocket(6, 'esp', { bufferOctets: 1 << 20 });
  const listener = openPacketTooBigSocket({ bufferOctets: 1 << 20 });
  // Parameter problem, packet too big, time exceeded.
  const types = [4, 2, 3];
  const batch = new SendBatch(memory, types.length);
  const packets = types.map((type) => icmpv6(type));
  packets.forEach((packet, index) => {
    memory.bytes.set(packet, index * 512);
    batch.addPacket(index * 512, packet.length);
  });
  const sent = sender.send(batch, 0, types.length);
  waitReadable(listener.fd);
  const incoming = new ReceiveBatch(allocate(4 * 1280), 4, 1280, IPV6_HEADER_OCTETS);
  const received = listener.receive(incoming);
  const restored = restoreIpv6Header(incoming, 0, 'icmpv6');
  const start = incoming.offset(0) - IPV6_HEADER_OCTETS;
  const whole = incoming.memory.bytes.subarray(start, start + IPV6_HEADER_OCTETS + incoming.length(0));
  return { sent, received, restored, same: Buffer.compare(whole, packets[1] ?? new Uint8Array()) === 0 };
}

/** An ICMPv6 message with a quote, from the loopback to itself. */
function icmpv6(type: number): Uint8Array {
  const packet = rawPacket(6, 58, 200);
  // The flow label is not told.
  packet.set([0, 0], 2);
  packet.set([type, 0, 0, 0, 0, 0, 5, 0], 40);
  // RFC 8200 section 8.1: the pseudo-header has both addresses, the length and the next header.
  const pseudo = new Uint8Array(8 + packet.length - 8);
  pseudo.set([0, 0, 0, 160, 0, 0, 0, 58]);
  pseudo.set(packet.subarray(8), 8);
  writeChecksum(pseudo, 0, pseudo.length, 42);
  packet.set(pseudo.subarray(42, 44), 42);
  return packet;
}

/** An IP packet to the loopback with DF, of `length` octets in all, whose fields are all something else than the default. */
function rawPacket(family: 4 | 6, protocol: number, length: number): Uint8Array {
  const packet = new Uint8Array(length).map((_, index) => index);
  if (family === 4) {
    packet.set([0x45, 0xb9, length >>> 8, length & 0xff, 0x12, 0x34, 0x40, 0, 33, protocol, 0, 0]);
    packet.set([127, 0, 0, 2, 127, 0, 0, 3], 12);
    return packet;
  }
  const payload = length - 40;
  packet.set([0x6b, 0x90, 0, 0, payload >>> 8, payload & 0xff, protocol, 33]);
  for (const at of [8, 24]) packet.set([...new Array<number>(15).fill(0), 1], at);
  return packet;
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

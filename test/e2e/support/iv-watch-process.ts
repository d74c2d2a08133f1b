import { writeSync } from 'node:fs';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';
import { EspNumbers } from '../../../apps/edge-agent/test/support/esp-numbers.js';

/** Captures what enters its namespace, and prints, each time that packets came, a line of JSON: all that it has seen so far. */
const ring = openPacketRing({ octets: 64 << 20, latencyMilliseconds: 10 });
const octets = Buffer.from(ring.memory.bytes.buffer, ring.memory.bytes.byteOffset, ring.memory.bytes.length);
const waiting = new PollSet(2);
waiting.watch(0, ring.fd, POLLIN);
waiting.watch(1, 0, POLLIN);
const numbers = new EspNumbers();
report();
while (waiting.wait(-1) > 0 && waiting.ready(1) === 0) {
  while (ring.packets.next()) {
    const { offset, length, etherType } = ring.packets;
    if (etherType === 0x0800) look(octets.subarray(offset, offset + length));
  }
  report();
}

/** ESP in UDP on IPv4, as the edges of the lab send it; IKE has four octets of zeros there (RFC 3948 section 2.2). */
function look(packet: Buffer): void {
  const udp = packet.subarray(4 * ((packet[0] ?? 0) & 0x0f));
  if (packet[9] !== 17 || udp.length < 28 || udp.readUInt16BE(2) !== 4500 || udp.readUInt32BE(8) === 0) return;
  numbers.take(packet.toString('hex', 16, 20), udp.subarray(8));
}

function report(): void {
  writeSync(1, `${JSON.stringify({ ...numbers.report(), lost: ring.dropped() })}\n`);
}

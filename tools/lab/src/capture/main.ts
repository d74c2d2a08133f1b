import { writeSync } from 'node:fs';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';
import { LAB_TOPOLOGY } from '../topology/topology.js';
import { classifyPacket } from './classify.js';
import { FENCE_PREFIX } from './fence.js';
import { innerTrafficOf } from './inner-traffic.js';

/**
 * The capture, a process of its own in the router's namespace. It writes `{"msg":"listening"}`, and for each fence packet
 * `{"msg":"counts","fence":…,"counts":…}`: everything that entered the router before the fence is in those counts.
 *
 * One loop and no event: it sleeps in poll until packets wait, or until whoever started it closes its standard input.
 */
const FOR_EVER = -1;
const FENCE_MAXIMUM_LENGTH = 200;
const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const inner = innerTrafficOf(LAB_TOPOLOGY);
const fence = Buffer.from(FENCE_PREFIX, 'latin1');
const counts = { packets: 0, espPackets: 0, cleartextPackets: 0, cleartextReasons: {} as Record<string, number> };

// Large enough for a burst at full rate, and for five seconds in which this machine's cores are busy with cryptography.
const ring = openPacketRing({ octets: 64 << 20, latencyMilliseconds: 10 });
const octets = Buffer.from(ring.memory.bytes.buffer, ring.memory.bytes.byteOffset, ring.memory.bytes.length);
const waiting = new PollSet(2);
waiting.watch(0, ring.fd, POLLIN);
waiting.watch(1, STANDARD_INPUT, POLLIN);
write({ msg: 'listening' });
while (waiting.wait(FOR_EVER) > 0 && waiting.ready(1) === 0) {
  while (ring.packets.next()) {
    const { offset, length, etherType } = ring.packets;
    count(octets.subarray(offset, offset + length), etherType);
  }
}
process.exit();

function count(packet: Buffer, etherType: number): void {
  const fenceAt = packet.length <= FENCE_MAXIMUM_LENGTH ? packet.indexOf(fence) : -1;
  if (fenceAt >= 0) {
    const id = packet.toString('latin1', fenceAt + fence.length);
    write({ msg: 'counts', fence: id, counts: { ...counts, droppedByKernel: ring.dropped() } });
    return;
  }
  counts.packets += 1;
  const { esp, cleartext } = classifyPacket(packet, etherType, inner);
  if (esp) counts.espPackets += 1;
  if (cleartext !== undefined) {
    counts.cleartextPackets += 1;
    counts.cleartextReasons[cleartext] = (counts.cleartextReasons[cleartext] ?? 0) + 1;
  }
}

function write(line: Readonly<Record<string, unknown>>): void {
  writeSync(STANDARD_OUTPUT, `${JSON.stringify(line)}\n`);
}

import { createInterface } from 'node:readline';
import { LAB_TOPOLOGY } from '../topology/topology.js';
import { classifyPacket } from './classify.js';
import type { CaptureCounts } from './counts.js';
import { FENCE_PREFIX } from './fence.js';
import { innerTrafficOf } from './inner-traffic.js';
import { PcapStream } from './pcap-stream.js';
import { startTcpdump } from './tcpdump.js';

/**
 * The capture, a process of its own in the router's namespace. It writes `{"msg":"listening"}`, and for each fence packet
 * `{"msg":"counts","fence":…,"counts":…}`: everything that entered the router before the fence is in those counts.
 */
const inner = innerTrafficOf(LAB_TOPOLOGY);
const fence = Buffer.from(FENCE_PREFIX, 'latin1');
const stream = new PcapStream();
const reasons: Record<string, number> = {};
let packets = 0;
let espPackets = 0;
let cleartextPackets = 0;

const tcpdump = startTcpdump(
  (chunk) => stream.push(chunk, count),
  (reason) => {
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  },
);
tcpdump.listening.then(
  () => write({ msg: 'listening' }),
  () => undefined, // onEnd has reported it
);
// Whoever started this process holds the other end: when that is gone, so is the reason to capture.
createInterface({ input: process.stdin }).on('close', () => process.exit());

function count(packet: Buffer, linkType: number): void {
  const fenceAt = packet.length <= FENCE_MAXIMUM_LENGTH ? packet.indexOf(fence) : -1;
  if (fenceAt >= 0) {
    report(packet.toString('latin1', fenceAt + fence.length)).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
    return;
  }
  packets += 1;
  const { esp, cleartext } = classifyPacket(packet, linkType, inner);
  if (esp) espPackets += 1;
  if (cleartext !== undefined) {
    cleartextPackets += 1;
    reasons[cleartext] = (reasons[cleartext] ?? 0) + 1;
  }
}

async function report(fenceId: string): Promise<void> {
  const soFar = { packets, espPackets, cleartextPackets, cleartextReasons: { ...reasons } };
  const counts: CaptureCounts = { ...soFar, droppedByKernel: await tcpdump.droppedByKernel() };
  write({ msg: 'counts', fence: fenceId, counts });
}

function write(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const FENCE_MAXIMUM_LENGTH = 200;

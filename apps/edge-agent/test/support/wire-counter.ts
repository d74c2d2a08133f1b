import { createInterface } from 'node:readline';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';

/**
 * Counts what arrives on the interfaces of a network namespace, by IP version, protocol and ECN field: `4/50/2`, with `ike` for
 * messages of IKE. Prints "ready", and for every line of standard input a line of JSON with what has come since the last.
 */
const LATENCY_MILLISECONDS = 10;
const UDP = 17;
const ring = openPacketRing({ octets: 32 << 20, latencyMilliseconds: LATENCY_MILLISECONDS });
const set = new PollSet(1);
set.watch(0, ring.fd, POLLIN);
process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin })) {
  const counts: Record<string, number> = {};
  // A block that is not full is handed over after the latency; then nothing is left.
  while (set.wait(10 * LATENCY_MILLISECONDS) > 0) while (ring.packets.next()) count(counts);
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}
process.exit(0);

function count(counts: Record<string, number>): void {
  const { bytes } = ring.memory;
  const { offset, etherType } = ring.packets;
  const octet = (at: number) => bytes[offset + at] ?? 0;
  if (etherType !== 0x0800 && etherType !== 0x86dd) return;
  const [version, protocol, ecn] =
    etherType === 0x0800 ? [4, octet(9), octet(1) & 3] : [6, octet(6), (octet(1) >>> 4) & 3];
  const datagram = version === 4 ? (octet(0) & 15) * 4 : 40;
  const key = `${version}/${protocol === UDP && isIke((at) => octet(datagram + at)) ? 'ike' : protocol}/${ecn}`;
  counts[key] = (counts[key] ?? 0) + 1;
}

/** On port 4500 four zero octets, the Non-ESP Marker, tell IKE from ESP in UDP (RFC 3948 section 2.2). */
function isIke(octet: (at: number) => number): boolean {
  const [source, destination] = [(octet(0) << 8) | octet(1), (octet(2) << 8) | octet(3)];
  if (source === 500 || destination === 500) return true;
  if (source !== 4500 && destination !== 4500) return false;
  return [8, 9, 10, 11].every((at) => octet(at) === 0);
}

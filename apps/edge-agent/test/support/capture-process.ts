import { readSync, writeSync } from 'node:fs';
import { formatAddress } from '@weft/ipsec-core';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';
import { EspNumbers } from './esp-numbers.js';

/**
 * Captures in a namespace everything that arrives there. For every line on standard input it prints a line of JSON: how many
 * ESP packets in UDP have passed, of how many associations, and which of them had an IV of one before; how many packets with
 * overlay addresses in the clear; and the SPIs and the last of the ESP packets to ADDRESS.
 * usage: capture-process.ts ADDRESS OVERLAY_PREFIX…, the latter as what is common of the text of its addresses: 10.1, 2001:db8:1
 */
const KEPT = 50;
/** More than one ping, protected, has; less than two have. */
const PING_OCTETS = 160;
const [address = '', ...overlay] = process.argv.slice(2);
const ring = openPacketRing({ octets: 8 << 20, latencyMilliseconds: 1 });
const octets = Buffer.from(ring.memory.bytes.buffer, ring.memory.bytes.byteOffset, ring.memory.bytes.length);
const waiting = new PollSet(2);
waiting.watch(0, ring.fd, POLLIN);
waiting.watch(1, 0, POLLIN);
const numbers = new EspNumbers();
const seen = { esp: 0, clear: 0, packets: [] as string[] };
const spis = new Set<number>();
say({ ready: true });
while (waiting.wait(-1) > 0) {
  while (ring.packets.next()) {
    const { offset, length } = ring.packets;
    look(octets.subarray(offset, offset + length));
  }
  if (waiting.ready(1) === 0) continue;
  if (readSync(0, Buffer.alloc(64)) === 0) process.exit(0);
  const { associations, repeated } = numbers.report();
  say({ ...seen, spis: [...spis], associations, repeated, lost: ring.dropped() });
}

function look(packet: Buffer): void {
  const version = (packet[0] ?? 0) >>> 4;
  if (version !== 4 && version !== 6) return;
  const [first, length, transport, header] = version === 4 ? ([12, 4, 9, 20] as const) : ([8, 16, 6, 40] as const);
  const at = (offset: number) => formatAddress(packet.subarray(offset, offset + length));
  const addresses = [at(first), at(first + length)];
  const covers = (prefix: string, one: string) => one.startsWith(`${prefix}.`) || one.startsWith(`${prefix}:`);
  if (addresses.some((one) => overlay.some((prefix) => covers(prefix, one)))) seen.clear++;
  const payload = packet.subarray(header + 8);
  if (packet[transport] !== 17 || packet.readUInt16BE(header + 2) !== 4500 || payload.length < 20) return;
  // IKE on this port has four octets of zeros in the place of an SPI (RFC 3948 section 2.2).
  if (payload.readUInt32BE(0) === 0) return;
  seen.esp++;
  numbers.take(addresses[1] ?? '', payload);
  if (addresses[1] === address) spis.add(payload.readUInt32BE(0));
  // Several in one piece, as the sender hands them to its kernel, cannot be told apart here.
  if (addresses[1] !== address || payload.length > PING_OCTETS) return;
  seen.packets = [...seen.packets.slice(-KEPT), payload.toString('hex')];
}

function say(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

// Runs in a network namespace of its own: captures what it sends to itself over the loopback, and writes what it saw as JSON.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';

execFileSync('ip', ['link', 'set', 'dev', 'lo', 'up']);
const ring = openPacketRing({ octets: 2 << 20, latencyMilliseconds: 1 });
const readable = new PollSet(1);
readable.watch(0, ring.fd, POLLIN);
const sender = createSocket('udp4');
sender.bind(0, '127.0.0.1');
await once(sender, 'listening');

const few = 20;
const seen = [];
for (let count = 0; count < few; count++) {
  await send(1, 100, count);
  seen.push(...read(1));
}
const droppedAtFirst = ring.dropped();

// Four times what the ring holds, and nobody reads.
const many = 8_000;
await send(many, 1_000, 0);
const droppedThen = ring.dropped();
const kept = read(many - droppedThen);
process.stdout.write(JSON.stringify({ few, seen, droppedAtFirst, many, droppedThen, kept: kept.length }));
process.exit();

/** Sends so many datagrams of this octet to the sender's own port, so that no error answers. */
async function send(count, size, octet) {
  const octets = Buffer.alloc(size, octet);
  for (let index = 0; index < count; index++) {
    await new Promise((resolve, reject) =>
      sender.send(octets, sender.address().port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    );
  }
}

/** Waits until so many packets have been read; each as its EtherType, length and last octet. */
function read(count) {
  const packets = [];
  while (packets.length < count) {
    if (readable.wait(5_000) === 0) throw new Error(`only ${packets.length} of ${count} packets came`);
    while (ring.packets.next()) {
      const { etherType, offset, length } = ring.packets;
      packets.push([etherType, length, ring.memory.bytes[offset + length - 1]]);
    }
  }
  return packets;
}

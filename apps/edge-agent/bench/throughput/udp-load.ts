import { readSync } from 'node:fs';
import { parseAddress } from '@weft/ipsec-core';
import { DatagramBatch, encodeSocketAddress, openUdpSocket, POLLIN, PollSet } from '@weft/linux-io';

/**
 * UDP load, as a process for a network namespace.
 * usage: udp-load.ts sink ADDRESS PORT      prints {"packets"} since the last line for every line on standard input
 *        udp-load.ts send LOCAL REMOTE PORT prints {"sent","seconds"} for every line {"octets","rate","seconds"}
 */
function main(): void {
  const [role, ...words] = process.argv.slice(2);
  if (role === 'sink') sink(words[0] ?? '', Number(words[1]));
  else send(words[0] ?? '', words[1] ?? '', Number(words[2]));
}

function sink(address: string, port: number): void {
  const socket = openUdpSocket({ address: parseAddress(address), port }, { bufferOctets: BUFFER_OCTETS });
  const batch = new DatagramBatch(64, 2048);
  const set = new PollSet(2);
  set.watch(0, 0, POLLIN);
  set.watch(1, socket.fd, POLLIN);
  let packets = 0;
  print({ ready: true });
  for (;;) {
    set.wait(-1);
    if (set.ready(1) !== 0) {
      for (let round = 0; round < 16; round++) {
        const count = socket.receive(batch);
        if (count <= 0) break;
        packets += count;
      }
    }
    if (set.ready(0) === 0 || set.ready(1) !== 0) continue;
    if (readLine() === undefined) return;
    print({ packets });
    packets = 0;
  }
}

function send(local: string, remote: string, port: number): void {
  const socket = openUdpSocket({ address: parseAddress(local), port: 0 }, { bufferOctets: BUFFER_OCTETS });
  const destination = encodeSocketAddress({ address: parseAddress(remote), port });
  const batch = new DatagramBatch(BURST, 2048);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  print({ ready: true });
  for (let line = readLine(); line !== undefined; line = readLine()) {
    const { octets, rate, seconds } = JSON.parse(line) as { octets: number; rate: number; seconds: number };
    for (let slot = 0; slot < BURST; slot++) batch.prepare(slot, octets, destination);
    const start = performance.now();
    let sent = 0;
    for (;;) {
      const elapsed = (performance.now() - start) / 1000;
      if (elapsed >= seconds) break;
      const due = Math.floor(elapsed * rate) - sent;
      if (due < 1) {
        Atomics.wait(pause, 0, 0, PAUSE_MILLISECONDS);
        continue;
      }
      const count = socket.send(batch, 0, Math.min(due, BURST));
      if (count > 0) sent += count;
    }
    print({ sent, seconds: (performance.now() - start) / 1000 });
  }
}

/** Lines are short and come one at a time, so that one read has exactly one. */
function readLine(): string | undefined {
  const buffer = Buffer.alloc(1024);
  const length = readSync(0, buffer);
  return length === 0 ? undefined : buffer.toString('utf8', 0, length);
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

const BUFFER_OCTETS = 8 << 20;
const BURST = 32;
const PAUSE_MILLISECONDS = 0.05;

main();

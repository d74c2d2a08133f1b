import { writeSync } from 'node:fs';
import { parseAddress } from '@weft/ipsec-core';
import {
  allocate,
  allocatePacketMemory,
  ERRNO,
  encodeSocketAddress,
  openUdpSocket,
  POLLIN,
  POLLOUT,
  PollSet,
  ReceiveBatch,
  SendBatch,
  type UdpSocket,
} from '@weft/linux-io';
import { CREDIT_OCTETS, DATAGRAM_OCTETS, readCredit, readDatagram, writeCredit, writeDatagram } from './datagram.js';

/**
 * The load of a soak, as a process for a network namespace. The source numbers its datagrams and has at most WINDOW of them
 * under way; the sink looks at every one and says now and then how far it has come, so that what is lost was lost by the
 * path and not for want of room.
 * usage: soak-load.ts source LOCAL REMOTE PORT PACKETS      prints {"sent","writtenOff","seconds"} at the end
 *        soak-load.ts sink LOCAL REMOTE PORT                prints {"received","missing","late","damaged"} at the end of standard input
 */
function main(): void {
  const [role, local = '', remote = '', port, packets] = process.argv.slice(2);
  const address = parseAddress(local);
  const socket = openUdpSocket({ address, port: Number(port) }, { bufferOctets: BUFFER_OCTETS });
  socket.enableOffloads();
  const peer = encodeSocketAddress({ address: parseAddress(remote), port: Number(port) });
  say({ ready: true });
  if (role === 'sink') sink(socket, peer);
  else source(socket, peer, Number(packets));
}

function source(socket: UdpSocket, peer: Uint8Array, packets: number): void {
  const memory = allocatePacketMemory(RUN * DATAGRAM_OCTETS);
  const batch = new SendBatch(memory, 1);
  const credits = new ReceiveBatch(allocate(SLOTS * CREDIT_OCTETS), SLOTS, CREDIT_OCTETS);
  const set = new PollSet(1);
  const start = performance.now();
  let [sent, taken, writtenOff] = [0, 0, 0];
  while (taken < packets) {
    for (let count = socket.receive(credits); count > 0; count = socket.receive(credits)) {
      for (let slot = 0; slot < count; slot++)
        taken = Math.max(taken, readCredit(credits.memory, credits.offset(slot)));
    }
    if (sent < packets && sent - taken <= WINDOW - RUN) {
      const run = Math.min(RUN, packets - sent);
      for (let i = 0; i < run; i++) writeDatagram(memory, i * DATAGRAM_OCTETS, sent + i);
      batch.clear();
      batch.add(0, run * DATAGRAM_OCTETS, run === 1 ? 0 : DATAGRAM_OCTETS, peer, 0);
      if (socket.send(batch, 0, 1) === 1) sent += run;
      else waitFor(set, socket, POLLOUT);
      continue;
    }
    // When no word comes, all that is under way is lost, or the word is; the sink knows which.
    if (!waitFor(set, socket, POLLIN)) {
      writtenOff += sent - taken;
      taken = sent;
    }
  }
  say({ sent, writtenOff, seconds: (performance.now() - start) / 1000 });
}

function sink(socket: UdpSocket, peer: Uint8Array): void {
  const batch = new ReceiveBatch(allocate(SLOTS * SLOT_OCTETS), SLOTS, SLOT_OCTETS);
  const memory = allocatePacketMemory(CREDIT_OCTETS);
  const credit = new SendBatch(memory, 1);
  const set = new PollSet(2);
  set.watch(0, socket.fd, POLLIN);
  set.watch(1, 0, POLLIN);
  const seen = { received: 0, missing: 0, late: 0, damaged: 0 };
  let [expected, told] = [0, 0];
  for (;;) {
    const ready = set.wait(QUIET_MILLISECONDS);
    if (set.ready(0) !== 0) {
      for (let count = socket.receive(batch); count > 0; count = socket.receive(batch)) {
        for (let slot = 0; slot < count; slot++) takeMessage(slot);
        if (expected - told >= CREDIT_EVERY) tell();
      }
    } else if (set.ready(1) !== 0) break;
    if (ready === 0) tell();
  }
  say(seen);

  function takeMessage(slot: number): void {
    const [start, length] = [batch.offset(slot), batch.length(slot)];
    const size = batch.control(slot).segmentOctets || length;
    for (let at = 0; at < length; at += size) {
      const number = readDatagram(batch.memory, start + at, Math.min(size, length - at));
      if (number < 0) seen.damaged++;
      else if (number < expected) seen.late++;
      else {
        seen.received++;
        seen.missing += number - expected;
        expected = number + 1;
      }
    }
  }

  function tell(): void {
    told = expected;
    writeCredit(memory, expected);
    credit.clear();
    credit.add(0, CREDIT_OCTETS, 0, peer, 0);
    const result = socket.send(credit, 0, 1);
    // A source that has not started yet, or has ended, is told again.
    if (result < 0 && result !== -ERRNO.EAGAIN && result !== -ERRNO.ECONNREFUSED) throw new Error(`errno ${-result}`);
  }
}

/** @returns false when nothing came in time. */
function waitFor(set: PollSet, socket: UdpSocket, events: number): boolean {
  set.watch(0, socket.fd, events);
  return set.wait(SILENCE_MILLISECONDS) > 0;
}

function say(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

const BUFFER_OCTETS = 16 << 20;
/** Datagrams that the kernel is given in one piece. */
const RUN = 32;
/** Datagrams under way: some hundred in every queue of the path, none of which they fill. */
const WINDOW = 2048;
const CREDIT_EVERY = 256;
const SLOTS = 8;
const SLOT_OCTETS = 65_536;
const QUIET_MILLISECONDS = 20;
const SILENCE_MILLISECONDS = 2_000;

main();

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type EventFd, eventFdFromDescriptor, openEventFd, POLLIN, PollSet } from '@weft/linux-io';
import { HandoverRing } from '../../src/dataplane/handover-ring.js';

/**
 * Two threads with a ring between them. Either sleeps as soon as it may, and is woken only when the other says that it has to
 * be: one that is forgotten ends the process with an error. Prints how many packets were passed.
 */
const PACKETS = 20_000;
/** Longer than a machine under load keeps a thread from running. */
const FORGOTTEN_MILLISECONDS = 30_000;

if (isMainThread) await readAll();
else writeAll(workerData as Ends);

interface Ends {
  readonly buffer: SharedArrayBuffer;
  readonly reader: number;
  readonly writer: number;
}

async function readAll(): Promise<void> {
  const ring = HandoverRing.of(1024);
  const [toReader, toWriter] = [openEventFd(), openEventFd()];
  const ends: Ends = { buffer: ring.buffer, reader: toReader.fd, writer: toWriter.fd };
  const thread = new Worker(new URL(import.meta.url), { workerData: ends });
  // It has loaded by then what it needs this thread for.
  await once(thread, 'message');
  const out = new Uint8Array(256);
  const sleep = sleepingOn(toReader);
  let number = 0;
  while (number < PACKETS) {
    sleep(`the reader, before packet ${number}`);
    for (let length = ring.take(out, 0); length >= 0; length = ring.take(out, 0), number++) {
      if (ring.tag !== number || length !== lengthOf(number)) throw new Error(`${ring.tag} of ${length} at ${number}`);
    }
    if (ring.isAwaited()) toWriter.signal();
  }
  await once(thread, 'exit');
  process.stdout.write(String(number));
}

function writeAll({ buffer, reader, writer }: Ends): void {
  const ring = new HandoverRing(buffer);
  const [toReader, toWriter] = [eventFdFromDescriptor(reader), eventFdFromDescriptor(writer)];
  parentPort?.postMessage('ready');
  const packet = new Uint8Array(256);
  const sleep = sleepingOn(toWriter);
  for (let number = 0; number < PACKETS; number++) {
    while (!ring.put(packet, 0, lengthOf(number), number)) {
      ring.awaitRoom();
      if (ring.put(packet, 0, lengthOf(number), number)) break;
      sleep(`the writer, with packet ${number}`);
    }
    if (ring.wasEmpty) toReader.signal();
  }
  parentPort?.close();
}

function sleepingOn(event: EventFd): (who: string) => void {
  const waiting = new PollSet(1);
  waiting.watch(0, event.fd, POLLIN);
  return (who) => {
    if (waiting.wait(FORGOTTEN_MILLISECONDS) === 0) throw new Error(`nobody woke ${who}`);
    event.clear();
  };
}

function lengthOf(number: number): number {
  return number % 200;
}

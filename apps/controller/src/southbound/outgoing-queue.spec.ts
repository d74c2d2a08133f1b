import { describe, expect, it } from 'vitest';
import { type MessageSink, OutgoingQueue } from './outgoing-queue.js';

/** A stream that takes `room` messages and then wants to be asked again. */
class SlowSink implements MessageSink<number> {
  readonly written: number[] = [];
  readonly callbacks: (() => void)[] = [];
  #room: number;
  #drained: (() => void) | undefined;

  constructor(room: number) {
    this.#room = room;
  }

  write(message: number, written: () => void): boolean {
    this.written.push(message);
    this.callbacks.push(written);
    this.#room -= 1;
    return this.#room > 0;
  }

  once(_: 'drain', listener: () => void): void {
    this.#drained = listener;
  }

  drain(room: number): void {
    this.#room = room;
    this.#drained?.();
  }
}

describe('OutgoingQueue', () => {
  it('writes in order and only while the stream wants more', () => {
    const sink = new SlowSink(2);
    const queue = new OutgoingQueue<number>(sink, never);
    for (const message of [1, 2, 3, 4, 5]) queue.push(message, ignore);
    expect(sink.written).toEqual([1, 2]);
    sink.drain(10);
    expect(sink.written).toEqual([1, 2, 3, 4, 5]);
  });

  it('says exactly once of each message that it is gone, also when the stream ends before', () => {
    const sink = new SlowSink(2);
    const queue = new OutgoingQueue<number>(sink, never);
    const gone: number[] = [];
    for (const message of [1, 2, 3]) queue.push(message, () => gone.push(message));
    sink.callbacks[0]?.();
    expect(gone).toEqual([1]);
    queue.close();
    queue.push(4, () => gone.push(4));
    for (const callback of sink.callbacks) callback();
    expect(gone.sort()).toEqual([1, 2, 3, 4]);
    expect(sink.written).toEqual([1, 2]);
  });

  it('gives up on a reader that never reads', () => {
    let overflows = 0;
    const queue = new OutgoingQueue<number>(new SlowSink(1), () => {
      overflows += 1;
    });
    let gone = 0;
    for (let message = 0; message < 10_000; message += 1) queue.push(message, () => (gone += 1));
    expect([overflows, gone]).toEqual([1, 10_000]);
  });
});

function ignore(): void {
  return;
}

function never(): never {
  throw new Error('not expected');
}

import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { type EventFd, eventFdFromDescriptor, openEventFd } from './event-fd.js';
import { POLLIN, POLLNVAL, PollSet } from './poll-set.js';

const open: EventFd[] = [];
function eventFd(): EventFd {
  const made = openEventFd();
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

describe('poll', () => {
  it('finds the descriptor that was signalled, until it is cleared', () => {
    const [first, second] = [eventFd(), eventFd()];
    const set = new PollSet(2);
    set.watch(0, first.fd, POLLIN);
    set.watch(1, second.fd, POLLIN);
    expect(set.wait(0)).toBe(0);
    second.signal();
    second.signal();
    expect(set.wait(-1)).toBe(1);
    expect([set.ready(0), set.ready(1)]).toEqual([0, POLLIN]);
    expect(second.clear()).toBe(true);
    expect(second.clear()).toBe(false);
    expect(set.wait(0)).toBe(0);
  });

  it('skips a slot with a negative descriptor and reports one that is not open', () => {
    const set = new PollSet(2);
    set.watch(1, 1_000_000, POLLIN);
    expect(set.wait(-1)).toBe(1);
    expect([set.ready(0), set.ready(1)]).toEqual([0, POLLNVAL]);
  });

  it('ends when another thread signals through the descriptor number', () => {
    const event = eventFd();
    const set = new PollSet(1);
    set.watch(0, event.fd, POLLIN);
    // The thread writes the eight octets itself: blocked in poll, this one can load nothing for it.
    const thread = new Worker(`require('node:fs').writeSync(${event.fd}, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))`, {
      eval: true,
    });
    expect(set.wait(-1)).toBe(1);
    expect(eventFdFromDescriptor(event.fd).clear()).toBe(true);
    return thread.terminate();
  });
});

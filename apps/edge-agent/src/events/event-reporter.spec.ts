import { EdgeEvent, type EdgeEvents, type SessionRequest } from '@weft/contracts/southbound';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventMessage } from './event-message.js';
import { EventReporter } from './event-reporter.js';

let sent: EdgeEvents[];
let takes: boolean;
let timers: (() => void)[];
let reporter: EventReporter;

beforeEach(() => {
  sent = [];
  takes = true;
  timers = [];
  reporter = new EventReporter({
    send: ({ message }: SessionRequest) => {
      if (takes && message?.$case === 'events') sent.push(message.value);
      return takes;
    },
    now: () => new Date(0),
    after: (_, run) => {
      timers.push(run);
      return () => void timers.splice(timers.indexOf(run) >>> 0, 1);
    },
  });
});

const later = () => {
  for (const run of timers.splice(0)) run();
};
const numbers = (message: EdgeEvents | undefined) => message?.events.map(({ number }) => Number(number));
const add = (count: number) => {
  for (let index = 0; index < count; index++) reporter.add({ kind: 'tunnel_up', tunnelId: 't' });
};

describe('the reporter of events', () => {
  it('keeps what happens while nobody is there, and sends it in order when somebody is, one message at a time', () => {
    add(70);
    expect(sent).toEqual([]);
    reporter.welcomed(true);
    expect(numbers(sent[0])).toEqual(Array.from({ length: 64 }, (_, index) => index + 1));
    add(1);
    expect(sent).toHaveLength(1);
    reporter.stored(64n);
    expect(numbers(sent[1])).toEqual([65, 66, 67, 68, 69, 70, 71]);
    reporter.stored(71n);
    add(1);
    expect(numbers(sent[2])).toEqual([72]);
  });

  it('says it again in the next session, under the same numbers, until it is stored', () => {
    add(2);
    reporter.welcomed(true);
    reporter.ended();
    add(1);
    expect(sent).toHaveLength(1);
    reporter.welcomed(true);
    expect(sent.map(numbers)).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
    // An answer to what was said before is one, too.
    reporter.stored(2n);
    expect(sent).toHaveLength(2);
    reporter.stored(3n);
    reporter.ended();
    reporter.welcomed(true);
    expect(sent).toHaveLength(2);
  });

  it('says nothing to a controller that would not know what it is', () => {
    add(1);
    reporter.welcomed(false);
    expect([sent, timers]).toEqual([[], []]);
  });

  it('tries again after a while when it could not be sent, or was not stored', () => {
    takes = false;
    reporter.welcomed(true);
    add(1);
    expect(sent).toEqual([]);
    takes = true;
    later();
    expect(sent.map(numbers)).toEqual([[1]]);
    later();
    expect(sent.map(numbers)).toEqual([[1], [1]]);
    reporter.stored(1n);
    later();
    expect(sent).toHaveLength(2);
  });
});

describe('an event on its way', () => {
  it('is one line within the bounds of the contract, whatever it quotes', () => {
    const detail = `a\nb\u0000${'\u{1F600}'.repeat(400)}`;
    const message = eventMessage({ kind: 'bundle_refused', number: 7, at: new Date(5), cause: 'x'.repeat(80), detail });
    expect(message.cause).toHaveLength(64);
    expect(message.detail.length).toBeLessThanOrEqual(512);
    expect(message.detail).toMatch(/^a b /);
    expect(Buffer.from(message.detail).toString()).toBe(message.detail);
    expect(EdgeEvent.decode(EdgeEvent.encode(message).finish())).toEqual(message);
  });
});

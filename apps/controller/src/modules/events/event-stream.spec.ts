import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type EventPosition, formatEventId, parseEventId } from './event-position.js';
import { begin, EventStream } from './event-stream.js';
import type { FabricEvent } from './fabric-event.dto.js';

const JOURNAL = '0123abcd';
const NEVER = { heartbeatMilliseconds: 2 ** 30, drainMilliseconds: 2 ** 30, endMilliseconds: 2 ** 30 };

/** A journal in memory. */
class Journal {
  readonly kept: bigint[] = [];

  constructor(from: number, to: number) {
    for (let sequence = from; sequence <= to; sequence += 1) this.kept.push(BigInt(sequence));
  }

  newest(): Promise<EventPosition> {
    return Promise.resolve({ journal: JOURNAL, sequence: this.kept.at(-1) ?? 0n });
  }

  read(after: bigint, limit: number) {
    const page = this.kept.filter((sequence) => sequence > after).slice(0, limit);
    return Promise.resolve(page.map((sequence) => ({ sequence, event: eventOf(sequence) })));
  }
}

function eventOf(sequence: bigint): FabricEvent {
  const id = formatEventId({ journal: JOURNAL, sequence });
  // A long text, as edges may write.
  return { id, type: 'edge.tunnel_up', detail: 'x'.repeat(1_000) } as FabricEvent;
}

const position = (sequence: number, journal = JOURNAL): EventPosition => ({ journal, sequence: BigInt(sequence) });
const never = () => false;
const open: EventStream[] = [];
const streamOf = (sink: PassThrough, journal: Journal, times = NEVER) => {
  const stream = new EventStream(sink, journal, times);
  open.push(stream);
  return stream;
};
afterEach(() => {
  for (const stream of open.splice(0)) stream.end('the test is over');
});

/** Reads until the text holds what is looked for. */
async function until(sink: PassThrough, found: string): Promise<string> {
  let text = '';
  for await (const chunk of sink.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(found)) return text;
  }
  throw new Error(`the stream ended without ${found}: ${text.slice(-500)}`);
}

const idsOf = (text: string) => [...text.matchAll(/^id: 0123abcd-(\d+)\nd/gm)].map(([, number]) => Number(number));

describe('where a client begins', () => {
  it.each([
    ['nothing asked', undefined, position(7), undefined],
    ['a position', position(3), position(3), undefined],
    ['the newest', position(7), position(7), undefined],
    ['before the first', position(0), position(0), undefined],
    ['one that is yet to come', position(8), position(7), { reason: 'unknown_position', missed: null }],
    ['another journal', position(3, 'ffffffff'), position(0), { reason: 'other_journal', missed: null }],
  ])('%s', (_name, asked, from, gap) => {
    expect(begin(asked, position(7))).toEqual({ position: from, gap });
  });
});

describe('the id of an event', () => {
  it('is read as it is written, and nothing else is', () => {
    expect(parseEventId(formatEventId(position(4711)))).toEqual(position(4711));
    for (const text of [
      '',
      '4711',
      '0123abcd-',
      '0123abcd-01',
      '0123ABCD-1',
      '0123abcd-1-1',
      '0123abcd-1\n',
      `0123abcd-${'9'.repeat(30)}`,
    ]) {
      expect([text, parseEventId(text)]).toEqual([text, undefined]);
    }
  });
});

describe('an event stream', () => {
  it('gives everything behind the position once and in order, page by page, and what comes after a wake', async () => {
    const [sink, journal] = [new PassThrough(), new Journal(1, 250)];
    const stream = streamOf(sink, journal);
    const run = stream.run(position(0), never);
    expect(idsOf(await until(sink, `${JOURNAL}-250`))).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
    journal.kept.push(251n);
    expect(stream.isBehind(251n)).toBe(true);
    stream.wake();
    expect(idsOf(await until(sink, `${JOURNAL}-251`))).toEqual([251]);
    expect(stream.isBehind(251n)).toBe(false);
    stream.end('enough');
    await run;
    expect(await until(sink, 'event: end')).toContain('data: {"reason":"enough"}');
  });

  it('says where it is and when to come back before there is any event', async () => {
    const sink = new PassThrough();
    const stream = streamOf(sink, new Journal(1, 5));
    void stream.run(undefined, never);
    expect(await until(sink, '\n\n')).toBe(`retry: 2000\nid: ${JOURNAL}-5\n\n`);
  });

  it('says how many events are missing, with a position from which nothing is', async () => {
    const sink = new PassThrough();
    void streamOf(sink, new Journal(41, 42)).run(position(7), never);
    const text = await until(sink, `${JOURNAL}-42`);
    expect(text).toContain(`id: ${JOURNAL}-40\nevent: gap\ndata: {"reason":"no_longer_kept","missed":33}\n\n`);
    expect(idsOf(text)).toEqual([41, 42]);
  });

  it('asks again after what passes, and rejects with what does not', async () => {
    const [sink, journal] = [new PassThrough(), new Journal(1, 3)];
    const passing = new Error('gone for a moment');
    let failures = 0;
    const read = journal.read.bind(journal);
    const again = new Promise<void>((resolve) => {
      journal.read = (after, limit) => {
        if (failures > 0) return read(after, limit);
        failures += 1;
        resolve();
        return Promise.reject(passing);
      };
    });
    const stream = streamOf(sink, journal);
    void stream.run(position(0), (error) => error === passing);
    await again;
    // Whoever polls does so until it is not behind any more.
    const poll = setInterval(() => stream.wake(), 1);
    expect(idsOf(await until(sink, `${JOURNAL}-3`))).toEqual([1, 2, 3]);
    clearInterval(poll);
    journal.read = () => Promise.reject(new Error('for good'));
    const other = streamOf(new PassThrough(), journal);
    await expect(other.run(position(0), never)).rejects.toThrow('for good');
  });

  it('sends away who takes nothing, having read no more than what fits and one page', async () => {
    const sink = new PassThrough({ highWaterMark: 4_096 });
    const journal = new Journal(1, 10_000);
    let furthest = 0n;
    const read = journal.read.bind(journal);
    journal.read = (after, limit) => {
      furthest = after + BigInt(limit);
      return read(after, limit);
    };
    const stream = streamOf(sink, journal, { ...NEVER, drainMilliseconds: 20, endMilliseconds: 20 });
    await stream.run(position(0), never);
    expect(stream.reason).toBe('too_slow');
    expect(furthest).toBe(100n);
    await new Promise((resolve) => (sink.destroyed ? resolve(undefined) : sink.once('close', resolve)));
    expect(stream.isBehind(10_000n)).toBe(true);
  });

  it('beats for proxies, but not for who has enough to read', async () => {
    const sink = new PassThrough();
    const stream = streamOf(sink, new Journal(1, 1), { ...NEVER, heartbeatMilliseconds: 5 });
    void stream.run(undefined, never);
    expect(await until(sink, '\n:\n\n:\n\n')).toContain(`id: ${JOURNAL}-1\n\n:\n\n`);
  });

  it('ends with its client, whether there is anything to say or not', async () => {
    const sink = new PassThrough();
    const stream = streamOf(sink, new Journal(1, 1));
    const run = stream.run(undefined, never);
    await until(sink, '\n\n');
    sink.destroy();
    await run;
    expect(stream.reason).toBe('client_closed');
    stream.end('late');
    expect(stream.reason).toBe('client_closed');
  });
});

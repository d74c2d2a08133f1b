import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvents, type ServerSentEvent } from './server-sent-events.js';

async function* inPieces(text: string, sizes: readonly number[]): AsyncGenerator<string> {
  let at = 0;
  for (let index = 0; at < text.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield text.slice(at, at + size);
    at += size;
  }
}

async function read(text: string, sizes: readonly number[] = [text.length]) {
  const events: ServerSentEvent[] = [];
  const moved: string[] = [];
  for await (const event of parseEvents(inPieces(text, sizes), (id) => moved.push(id))) events.push(event);
  return { events, moved };
}

describe('a stream of events', () => {
  it('has events, names, comments, and ids that hold until the next one', async () => {
    const text =
      ': hello\n\nid: a-1\n\nid: a-2\ndata: {"x":\ndata: 1}\n\nevent: gap\ndata:y\n\nretry: 5\ndata: cut off';
    expect(await read(text)).toEqual({
      events: [
        { name: 'message', id: 'a-2', data: '{"x":\n1}' },
        { name: 'gap', id: 'a-2', data: 'y' },
      ],
      moved: ['a-1', 'a-2'],
    });
  });

  it('is the same however it is cut, and whatever ends its lines', async () => {
    const event = fc.record({
      name: fc.constantFrom('message', 'gap', 'end'),
      id: fc.stringMatching(/^[0-9a-f]{8}-[0-9]{1,4}$/),
      data: fc.stringMatching(/^[^\r\n\0]{0,40}$/),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        async (events, sizes, end) => {
          const text = events
            .map(({ name, id, data }) =>
              [`id: ${id}`, ...(name === 'message' ? [] : [`event: ${name}`]), `data: ${data}`, '', ''].join(end),
            )
            .join('');
          // A lone carriage return at the end of everything waits for what may follow it.
          expect((await read(end === '\r' ? `${text}:` : text, sizes)).events).toEqual(events);
        },
      ),
    );
  });

  it('that never ends a line is not kept', async () => {
    await expect(read('x'.repeat(3 << 20), [1 << 16])).rejects.toMatchObject({ code: 'answer_too_large' });
    await expect(read('data: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(1 << 16), [1 << 16])).rejects.toMatchObject({
      code: 'answer_too_large',
    });
  });
});

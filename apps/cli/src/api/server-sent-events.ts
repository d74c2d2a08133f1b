import { UnreachableError } from '../platform/cli-error.js';

/** One event of a stream. */
export interface ServerSentEvent {
  /** `message` when the stream says nothing. */
  readonly name: string;
  /** Last event id, from which the stream goes on. */
  readonly id: string;
  readonly data: string;
}

/**
 * Reads a stream as the HTML standard says (section 9.2.6). `id` is that of the stream before; an id without data moves on
 * as well, and is told to `moved`. Throws UnreachableError `answer_too_large`.
 */
export async function* parseEvents(
  chunks: AsyncIterable<string>,
  moved: (id: string) => void,
): AsyncGenerator<ServerSentEvent> {
  let fields = new Map<string, string>();
  let id = '';
  for await (const line of lines(chunks)) {
    if (line === '') {
      const data = fields.get('data');
      if (data !== undefined) yield { name: fields.get('event') ?? 'message', id, data };
      fields = new Map();
      continue;
    }
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') append(fields, value);
    else if (name === 'event') fields.set(name, value);
    else if (name === 'id' && !value.includes('\0')) {
      id = value;
      moved(id);
    }
  }
}

/** Several lines of data are one text. */
function append(fields: Map<string, string>, value: string): void {
  const before = fields.get('data');
  const data = before === undefined ? value : `${before}\n${value}`;
  if (data.length > MAXIMUM_LENGTH) throw tooLarge();
  fields.set('data', data);
}

async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    // A carriage return at the end may be the first half of an end of line.
    const parts = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? '';
    if (rest.length > MAXIMUM_LENGTH) throw tooLarge();
    yield* parts;
  }
}

function tooLarge(): UnreachableError {
  const fix = 'see that there is a controller behind this address';
  return new UnreachableError('answer_too_large', `an event has more than ${MAXIMUM_LENGTH} characters`, fix);
}

/** Many times what the controller lets anybody write into an event. */
const MAXIMUM_LENGTH = 1 << 20;

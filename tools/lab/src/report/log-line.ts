/**
 * A line of a process' JSON log as a person reads it: the time of day, the level, the message, what the error says, and the
 * remaining fields. A line that is no such record stays what it is.
 */
export function readableLogLine(line: string): string {
  const record = parseRecord(line);
  if (record === undefined) return line;
  const { time, level, msg, err, service: _service, ...fields } = record;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [clockOf(time), level, [msg, messageOf(err)].filter(Boolean).join(': '), ...rest].filter(Boolean).join(' ');
}

function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return typeof record['msg'] === 'string' ? record : undefined;
  } catch {
    return undefined; // cut off, or never JSON: shown as it is
  }
}

function clockOf(time: unknown): string | undefined {
  return typeof time === 'string' ? /T(\d\d:\d\d:\d\d\.\d{3})Z$/.exec(time)?.[1] : undefined;
}

function messageOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  const output = 'output' in error && error.output !== '' ? ` (${String(error.output)})` : '';
  return `${String(error.message)}${output}`;
}

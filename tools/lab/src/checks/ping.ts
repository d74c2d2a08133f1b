/** What one run of ping(8) saw. */
export interface PingResult {
  readonly sent: number;
  readonly received: number;
}

/** Reads the summary of iputils ping, also of one that was interrupted. Throws when there is none. */
export function parsePing(output: string): PingResult {
  const summary = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output);
  const [, sent, received] = summary ?? [];
  if (sent === undefined || received === undefined) throw new Error(`ping gave no summary: ${output.trim()}`);
  return { sent: Number(sent), received: Number(received) };
}

/**
 * How many of the first `count` pings were answered. With pingArguments ping goes on sending until it has `count` answers,
 * so that only those that were asked for count, each once. Throws when there is no summary.
 */
export function parseCountedPing(output: string, count: number): PingResult {
  const { sent } = parsePing(output);
  const answered = new Set<number>();
  for (const [, sequence] of output.matchAll(/bytes from .* icmp_seq=(\d+) /g)) answered.add(Number(sequence));
  return { sent: Math.min(sent, count), received: [...answered].filter((sequence) => sequence <= count).length };
}

/** What a ping that was interrupted saw. */
export interface EndlessPing {
  /** When each answer arrived, in milliseconds of the machine's clock. */
  readonly answeredAt: readonly number[];
  /** The sequence numbers, from 1, that nobody had answered when a later one was. What was still on its way is in none. */
  readonly lost: readonly number[];
  /** When the last answer before the first lost one arrived, and the next one after it; absent when none is lost. */
  readonly gap?: readonly [number, number];
}

/**
 * Reads the output of a ping with endlessPingArguments. What it had sent last is on its way when it is interrupted, and how
 * many that are depends on the round trip; so a number is lost when a later one was answered. Throws without a summary.
 */
export function parseEndlessPing(output: string): EndlessPing {
  parsePing(output);
  const arrivals = new Map<number, number>();
  for (const [, seconds, sequence] of output.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from .* icmp_seq=(\d+) /gm)) {
    arrivals.set(Number(sequence), Number(seconds) * 1000);
  }
  const last = Math.max(0, ...arrivals.keys());
  const lost = Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !arrivals.has(sequence));
  const answeredAt = [...arrivals.values()];
  const [first] = lost;
  if (first === undefined) return { answeredAt, lost };
  const before = [...arrivals].filter(([sequence]) => sequence < first).map(([, at]) => at);
  const after = [...arrivals].filter(([sequence]) => sequence > first).map(([, at]) => at);
  return { answeredAt, lost, gap: [Math.max(0, ...before), Math.min(...after)] };
}

/**
 * Arguments of a counted ping: a quick burst, patient with late answers. Without a deadline iputils waits for the last
 * answer only as long as two round trips took so far, or one interval, and calls a late one lost.
 */
export function pingArguments(destination: string, count: number): readonly string[] {
  return ['-n', '-c', String(count), '-i', PING_INTERVAL_SECONDS, '-w', DEADLINE_SECONDS, destination];
}

/** Arguments of a ping that goes on until it is interrupted and writes when each answer came. */
export function endlessPingArguments(destination: string): readonly string[] {
  return ['-n', '-D', '-i', PING_INTERVAL_SECONDS, '-W', REPLY_PATIENCE_SECONDS, destination];
}

const PING_INTERVAL_SECONDS = '0.01';
const REPLY_PATIENCE_SECONDS = '2';
/** Of a whole counted ping. */
const DEADLINE_SECONDS = '5';

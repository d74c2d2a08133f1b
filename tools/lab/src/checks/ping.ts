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

/** Arguments of a counted ping: a quick burst, patient with the answer of the last one. */
export function pingArguments(destination: string, count: number): readonly string[] {
  return ['-n', '-q', '-c', String(count), '-i', PING_INTERVAL_SECONDS, '-W', REPLY_PATIENCE_SECONDS, destination];
}

/** Arguments of a ping that goes on until it is interrupted and writes when each answer came. */
export function endlessPingArguments(destination: string): readonly string[] {
  return ['-n', '-D', '-i', PING_INTERVAL_SECONDS, '-W', REPLY_PATIENCE_SECONDS, destination];
}

const PING_INTERVAL_SECONDS = '0.01';
const REPLY_PATIENCE_SECONDS = '2';

import { destination, type Logger, pino } from 'pino';

/** Where the agent tells what it does: one JSON object per line, on standard output. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** Makes the log. Written synchronously, so that the last words of a dying agent are not lost. */
export function createLog(level: string, bindings: Record<string, string>): Log {
  return pino(
    {
      level,
      base: { ...bindings, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd: 1, sync: true }),
  );
}

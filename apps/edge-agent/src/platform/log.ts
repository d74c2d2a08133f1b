import { destination, type Logger, pino } from 'pino';

/** How much is said, from most to least. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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

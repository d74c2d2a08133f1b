import { destination, type Logger, multistream, pino } from 'pino';
import type { RecentLines } from './recent-lines.js';

/** How much is said, from most to least. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where the agent tells what it does: one JSON object per line, on standard output. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** A log of which one may say how much it says. */
export type AgentLog = Log & { level: string };

/** Makes the log, whose last lines `recent` keeps. Written synchronously, so that the last words of a dying agent are not lost. */
export function createLog(
  level: LogLevel | 'silent',
  bindings: Record<string, string>,
  recent?: RecentLines,
): AgentLog {
  return pino(
    {
      level,
      base: { ...bindings, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Each takes what the logger lets through; that alone says how much it is.
    multistream([destination({ fd: 1, sync: true }), ...(recent === undefined ? [] : [recent])].map(everything)),
  );
}

function everything<T>(stream: T): { stream: T; level: 'trace' } {
  return { stream, level: 'trace' };
}

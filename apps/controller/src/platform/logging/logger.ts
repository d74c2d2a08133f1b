import { Inject } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../../config/controller-config.js';
import { REDACTED_PATHS } from './redaction.js';

/** Injection token of the root logger; `@InjectLogger() private readonly logger: Logger`. */
export const LOGGER = Symbol('Logger');

/** Injects the root logger. Take `logger.child({ component: 'name' })` for a component's own lines. */
export const InjectLogger = (): ParameterDecorator => Inject(LOGGER);

/** Makes the root logger: one JSON object a line, secrets removed, time as RFC 3339. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'weft-controller' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: [...REDACTED_PATHS], censor: '[redacted]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

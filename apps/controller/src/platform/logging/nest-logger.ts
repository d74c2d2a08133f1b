import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest's own lines through pino. Nest passes the context (and for errors the stack) as the last arguments. */
export class NestLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Nest narrates its start at this level (one line a module and route): debug here. */
  log(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('fatal', message, rest);
  }

  #write(level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal', message: unknown, rest: readonly unknown[]): void {
    const texts = rest.filter((value) => typeof value === 'string');
    const component = texts.at(-1) ?? 'nest';
    const stack = texts.length > 1 ? texts[0] : undefined;
    const fields = { component, ...(stack === undefined ? {} : { stack }) };
    if (message instanceof Error) this.#logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'string') this.#logger[level](fields, message);
    else this.#logger[level]({ ...fields, detail: message }, 'nest');
  }
}

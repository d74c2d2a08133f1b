import type { ProblemEntry } from '@weft/contracts/rest';
import { Refusal } from '../api/refusal.js';
import { CliError, messageOf } from '../platform/cli-error.js';
import { EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';
import { printable } from './table.js';

/** What went wrong, for a person: what, where, which rule, and what to do. Pure. */
export function renderFailure(error: unknown): string {
  if (error instanceof Refusal) {
    const { title, detail, status, errors, requestId } = error.problem;
    const head = `weft: ${printable(title)} (${status} ${error.reason})\n  ${printable(detail)}`;
    return [head, ...errors.map(renderEntry), `  request ${requestId}`].join('\n');
  }
  if (error instanceof CliError) return `weft: ${printable(error.message)}\n  ${printable(error.fix)}`;
  return `weft: ${messageOf(error)}`;
}

/** The same for a machine: the problem as the controller wrote it, or one of our own in the same form. Pure. */
export function failureAsJson(error: unknown): object {
  if (error instanceof Refusal) return error.problem;
  const [code, fix] = error instanceof CliError ? [error.code, error.fix] : ['internal', ''];
  const detail = messageOf(error);
  return {
    type: `urn:weft:cli:${code}`,
    title: 'The command was not carried out',
    detail,
    errors: [{ pointer: '', rule: code, detail, fix }],
  };
}

/** How the program ends with it. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof CliError ? error.exitCode : EXIT_REFUSED;
}

/** One thing that is wrong, and where. Pure. */
export function renderEntry({ pointer, rule, detail, fix }: ProblemEntry): string {
  const where = pointer === '' ? 'the whole' : pointer;
  return `  ${printable(where)}  (${rule})\n    ${printable(detail)}\n    fix: ${printable(fix)}`;
}

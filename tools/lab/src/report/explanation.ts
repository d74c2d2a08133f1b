import { LabError } from '../lab-error.js';
import { SandboxError } from '../sandbox/sandbox-error.js';
import { readableLogLine } from './log-line.js';

/** What a person needs to know about a failure: what it is, what to do, and where more is written. */
export function explain(error: unknown): string {
  if (!(error instanceof LabError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { cause, step, process, lastLogLines, logDirectory } = error;
  if (cause instanceof SandboxError && cause.problem.code === 'requirements') {
    return `Nothing was started, because this machine lacks something that the lab needs.\n\n${error.message}`;
  }
  const lastLines = lastLogLines.map((line) => `  ${readableLogLine(line)}`).join('\n');
  return [
    `The lab failed at "${step}".\n${error.message}`,
    ...(process === undefined ? [] : [`The last lines of ${process}:\n${lastLines}`]),
    ...(logDirectory === undefined ? [] : [`All logs: ${logDirectory}`]),
  ].join('\n\n');
}

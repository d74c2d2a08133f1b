import type { Problem } from '@weft/contracts/rest';
import { CliError, UnreachableError } from '../platform/cli-error.js';
import { EXIT_REFUSED, EXIT_UNREACHABLE } from '../platform/exit-code.js';

/** The controller says no, in its own words (RFC 9457). */
export class Refusal extends CliError<'refused'> {
  override readonly name = 'Refusal';
  readonly problem: Problem;

  constructor(problem: Problem) {
    const fix = 'see the errors';
    super('refused', problem.detail, fix, NOT_NOW.has(problem.status) ? EXIT_UNREACHABLE : EXIT_REFUSED);
    this.problem = problem;
  }

  /** Its stable name. */
  get reason(): string {
    return this.problem.type.replace(PROBLEM_PREFIX, '');
  }
}

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of an answer. Throws Refusal, or UnreachableError `answer_unusable` when what came is no problem either. */
export async function answerOf<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await asked;
  if (response.ok) return data as Data;
  if (isProblem(error)) throw new Refusal(error);
  throw new UnreachableError(
    'answer_unusable',
    `${response.url || 'the controller'} answers ${response.status} and does not say why`,
    'see that there is a controller behind this address, and what its log says',
  );
}

function isProblem(error: unknown): error is Problem {
  if (typeof error !== 'object' || error === null) return false;
  return (
    TEXTS.every((name) => typeof Reflect.get(error, name) === 'string') && Array.isArray(Reflect.get(error, 'errors'))
  );
}

const TEXTS = ['type', 'title', 'detail'] as const;
const PROBLEM_PREFIX = 'urn:weft:problem:';
/** Too many requests, and what gateways and a controller without its database answer: nothing was decided. */
const NOT_NOW: ReadonlySet<number> = new Set([429, 502, 503, 504]);

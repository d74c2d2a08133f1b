import type { CompileProblem } from '@weft/fabric-compiler';
import type { CompilerFailure } from '../../compiler/compiler-failure.js';
import { DomainError } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';

/** The intent cannot be compiled; pointers lead into the intent (policies and rules in their order). */
export function doesNotCompile(problems: readonly CompileProblem[]): DomainError {
  const [first] = problems;
  const detail =
    problems.length === 1 && first
      ? `The draft cannot be published. ${first.detail} ${first.fix}`
      : `The draft cannot be published for ${problems.length} reasons; see errors.`;
  return new DomainError('invalid', 'draft_does_not_compile', detail, problemEntriesOf(problems));
}

export function nothingToPublish(number: number): DomainError {
  const detail = `The draft is what revision ${number} says already. Change something first.`;
  return new DomainError('conflict', 'nothing_to_publish', detail);
}

/** The draft has changed each time between its compilation and its publication. */
export function draftKeepsChanging(): DomainError {
  const detail = 'The draft was changed each time while it was looked at. Try again when nobody edits it.';
  return new DomainError('conflict', 'draft_keeps_changing', detail);
}

export function compilerUnavailable({ code, message }: CompilerFailure): DomainError {
  return new DomainError('unavailable', `compiler_${code}`, `Nothing was changed: ${message}.`);
}

/** Bounded: one mistake can break many rules. */
export function problemEntriesOf(problems: readonly CompileProblem[]): ProblemEntry[] {
  return problems.slice(0, MAX_PROBLEMS).map(({ pointer, rule, detail, fix }) => ({ pointer, rule, detail, fix }));
}

const MAX_PROBLEMS = 200;

import { describeMissing, type MissingRequirement } from './requirements.js';

/**
 * Why the lab cannot go on. `requirements`: this machine lacks something, and nothing was started. `sandbox`: the
 * namespaces could not be made or have ended. `call`: something failed inside; `process` names whose log explains it.
 */
export type SandboxProblem =
  | { readonly code: 'requirements'; readonly missing: readonly MissingRequirement[] }
  | { readonly code: 'sandbox' }
  | { readonly code: 'call'; readonly process: string | undefined };

export class SandboxError extends Error {
  readonly problem: SandboxProblem;
  constructor(problem: SandboxProblem, message: string) {
    super(message);
    this.name = 'SandboxError';
    this.problem = problem;
  }
}

/** The error that says what is missing; the message has the lines to type. */
export function requirementsError(missing: readonly MissingRequirement[]): SandboxError {
  return new SandboxError({ code: 'requirements', missing }, describeMissing(missing));
}

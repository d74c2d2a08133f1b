/**
 * Why the lab cannot go on. `requirements`: this machine lacks something, the message says what to do. `sandbox`: the
 * namespaces could not be made or have ended. `call`: something failed inside; `process` names whose log explains it.
 */
export type SandboxProblem =
  | { readonly code: 'requirements' }
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

import type { CompileProblem } from '@weft/fabric-compiler';
import type { CompilerFailure } from '../../compiler/compiler-failure.js';
import { DomainError } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { AffectedEdge, Finding } from './revision-diff.dto.js';

/** The intent cannot be compiled; pointers lead into the intent (policies and rules in their order). */
export function doesNotCompile(problems: readonly CompileProblem[]): DomainError {
  const [first] = problems;
  const detail =
    problems.length === 1 && first
      ? `The draft cannot be published. ${first.detail} ${first.fix}`
      : `The draft cannot be published for ${problems.length} reasons; see errors.`;
  return new DomainError('invalid', 'draft_does_not_compile', detail, problemEntriesOf(problems));
}

/** A proof or a policy test fails; pointers lead to the policy line or the test. */
export function proofFailed(findings: readonly Finding[]): DomainError {
  return failedProof('The draft cannot be published.', findings, 'Correct it, or override the proof with a reason.');
}

/** The same for who approves without a word about that. */
export function failedProofNotApproved(findings: readonly Finding[]): DomainError {
  return failedProof('This is not approved.', findings, 'Have it corrected, or approve it with failedProof.');
}

function failedProof(what: string, findings: readonly Finding[], remedy: string): DomainError {
  const [first] = findings;
  const count =
    findings.length === 1 ? `A proof fails: ${first?.detail}` : `${findings.length} proofs fail; see errors.`;
  const entries = findings.map(({ pointer, kind, detail, fix }) => ({ pointer, rule: kind, detail, fix }));
  return new DomainError('invalid', 'proof_failed', `${what} ${count} ${remedy}`, entries.slice(0, MAX_PROBLEMS));
}

/** Edges would lose much of what they run. */
export function removalsNotAgreed(losing: readonly AffectedEdge[]): DomainError {
  const entries = losing.map(({ edgeId, edgeName, removal }) => ({
    pointer: `/edges/${edgeId}`,
    rule: 'mass_removal',
    detail: `${edgeName} loses ${shareWords(removal?.tunnels)} tunnels and ${shareWords(removal?.securityPolicies)} policy entries.`,
    fix: 'Bring back what is missing, or agree to the removals.',
  }));
  const detail =
    `The draft cannot be published: ${losing.length === 1 ? 'an edge loses' : `${losing.length} edges lose`} much of what ` +
    'runs there; see errors. If that is meant, publish it with agreeToRemovals and the ETag of the draft as If-Match.';
  return new DomainError('invalid', 'removals_not_agreed', detail, entries.slice(0, MAX_PROBLEMS));
}

function shareWords(share: { readonly removed: number; readonly before: number } | undefined): string {
  return `${share?.removed ?? 0} of ${share?.before ?? 0}`;
}

/** Something in an earlier intent has no place in the tables of today. */
export function notRestorable(number: number): DomainError {
  const detail = `Revision ${number} has something that can no longer be edited. Make the changes by hand instead; nothing was changed.`;
  return new DomainError('conflict', 'not_restorable', detail);
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

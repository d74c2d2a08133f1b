import { Injectable } from '@nestjs/common';
import type { Validation } from '../../compiler/compiler-job.js';
import type { Candidate } from './candidate.js';
import type { DraftState } from './drafts.js';
import { type Effect, effectOf } from './effect.js';
import { doesNotCompile, proofFailed } from './revisions.errors.js';
import { Validations } from './validations.js';

export type Passed = Effect & Pick<Validation, 'ruleMeanings'>;

/** Compiles and proves what is to come into force. */
@Injectable()
export class Gate {
  readonly #validations: Validations;

  constructor(validations: Validations) {
    this.#validations = validations;
  }

  /**
   * What it would do. Undefined: somebody asks about a newer draft.
   *
   * Throws DomainError 'draft_does_not_compile', 'compiler_…', and what `failedProof` makes of a proof that fails.
   */
  async pass(
    { newest }: DraftState,
    { version, intent }: Candidate,
    failedProof: 'allowed' | typeof proofFailed,
  ): Promise<Passed | undefined> {
    const answer = await this.#validations.ofDraft(version, newest?.intent, intent);
    if (answer === undefined) return undefined;
    if (!answer.ok) throw doesNotCompile(answer.problems);
    const effect = effectOf(answer.validation, newest?.intent, intent);
    if (effect.findings.length > 0 && failedProof !== 'allowed') throw failedProof(effect.findings);
    return { ...effect, ruleMeanings: answer.validation.ruleMeanings };
  }
}

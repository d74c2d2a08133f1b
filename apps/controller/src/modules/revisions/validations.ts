import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import { Compiler } from '../../compiler/compiler.js';
import { CompilerFailure } from '../../compiler/compiler-failure.js';
import type { CompilerAnswers } from '../../compiler/compiler-job.js';
import { compilerUnavailable } from './revisions.errors.js';

type Answer = CompilerAnswers['validation'];

/** What was validated lately: a page that asks every few seconds, and whoever publishes what it shows, wait once. */
@Injectable()
export class Validations {
  readonly #compiler: Compiler;
  /** By tenant and version, the one that was asked for last at the end. Of those under way the promise. */
  readonly #known = new Map<string, Promise<Answer>>();

  constructor(compiler: Compiler) {
    this.#compiler = compiler;
  }

  /**
   * Of what would follow `before`; `version` names both. Undefined: a newer version is being looked at, read again.
   * Throws DomainError 'compiler_…' when there is no answer.
   */
  async ofDraft(version: string, before: FabricIntent | undefined, after: FabricIntent): Promise<Answer | undefined> {
    const { tenantId } = after;
    try {
      return await this.#of(`${tenantId}/${version}`, () =>
        this.#compiler.validate(before, after, `draft/${tenantId}`),
      );
    } catch (error) {
      if (error instanceof CompilerFailure && error.code === 'superseded') return undefined;
      throw error instanceof CompilerFailure ? compilerUnavailable(error) : error;
    }
  }

  /** Of what is immutable: no question makes another outdated. Throws DomainError 'compiler_…' when there is no answer. */
  async ofRevisions(version: string, before: FabricIntent | undefined, after: FabricIntent): Promise<Answer> {
    try {
      return await this.#of(`${after.tenantId}/revisions/${version}`, () => this.#compiler.validate(before, after));
    } catch (error) {
      throw error instanceof CompilerFailure ? compilerUnavailable(error) : error;
    }
  }

  async #of(key: string, validate: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#known.get(key) ?? validate();
    this.#remember(key, answer);
    try {
      return await answer;
    } catch (error) {
      if (this.#known.get(key) === answer) this.#known.delete(key);
      throw error;
    }
  }

  #remember(key: string, answer: Promise<Answer>): void {
    this.#known.delete(key);
    this.#known.set(key, answer);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAXIMUM_KNOWN) break;
      this.#known.delete(oldest);
    }
  }
}

const MAXIMUM_KNOWN = 32;

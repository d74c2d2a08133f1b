import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { Logger } from 'pino';
import { InjectLogger } from '../platform/logging/logger.js';
import type { AskedPacket, CompilerAnswers } from './compiler-job.js';
import { CompilerThread } from './compiler-thread.js';

/** What the controller asks the compiler. Every call rejects with CompilerFailure when there is no answer. */
@Injectable()
export class Compiler {
  readonly #thread: CompilerThread;

  constructor(@InjectLogger() logger: Logger) {
    const log = logger.child({ component: 'compiler' });
    this.#thread = new CompilerThread({
      onThreadEnded: (error) =>
        log.error({ err: error }, 'the thread of the compiler ended; the next job starts another'),
    });
  }

  /** The bundles of a published revision, but for those whose hash is `known`. In front of everything that people only look at. */
  bundles(
    intent: FabricIntent,
    revokedSerials: ReadonlyMap<string, readonly string[]>,
    known: ReadonlyMap<string, Uint8Array>,
  ): Promise<CompilerAnswers['bundles']> {
    return this.#thread.run({ kind: 'bundles', intent, revokedSerials, known }, { urgent: true });
  }

  /** Whether `after` may follow `before`. Of several questions about one subject that wait the newest stays. */
  validate(
    before: FabricIntent | undefined,
    after: FabricIntent,
    subject?: string,
  ): Promise<CompilerAnswers['validation']> {
    return this.#thread.run({ kind: 'validation', before, after }, subject === undefined ? {} : { subject });
  }

  /** Why a packet goes the way it goes. */
  explain(intent: FabricIntent, packet: AskedPacket): Promise<CompilerAnswers['explanation']> {
    return this.#thread.run({ kind: 'explanation', intent, packet });
  }

  /** After everything that asks. No Nest hook: whoever owns the application calls it after close(). Idempotent. */
  stop(): Promise<void> {
    return this.#thread.close();
  }
}

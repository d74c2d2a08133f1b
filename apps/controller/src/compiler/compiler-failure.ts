/**
 * Why a job was not done. Nothing was changed in any case.
 * - `superseded`: the same was asked for of a newer intent, before this one's turn came.
 * - `queue_full`: too many jobs wait.
 * - `took_too_long`: the job did not end in time; the thread was replaced.
 * - `thread_ended`: the thread died under the job, of lack of memory for example; it was replaced.
 * - `compiler_threw`: a bug of the compiler; the log has it.
 * - `stopped`: the controller is stopping.
 */
export type CompilerFailureCode =
  | 'superseded'
  | 'queue_full'
  | 'took_too_long'
  | 'thread_ended'
  | 'compiler_threw'
  | 'stopped';

/** A job of the compiler that has no answer. */
export class CompilerFailure extends Error {
  override readonly name = 'CompilerFailure';

  constructor(
    readonly code: CompilerFailureCode,
    cause?: unknown,
  ) {
    super(`the compiler gave no answer: ${DETAILS[code]}`, { cause });
  }
}

const DETAILS: Readonly<Record<CompilerFailureCode, string>> = {
  superseded: 'a newer intent came before the turn of this one; ask again',
  queue_full: 'too many jobs wait for it; try again in a few seconds',
  took_too_long: 'the intent takes longer than it may; publish it in smaller parts, or report this with the log',
  thread_ended:
    'its thread ended under the job and was replaced; try again, and look into the log when it happens again',
  compiler_threw: 'it failed in a way that nobody foresaw; the log has the cause, please report it',
  stopped: 'the controller is stopping; try again when it is back',
};

import type { CompileProblem, FabricIntent } from '@weft/fabric-compiler';

/** What the thread of the compiler is asked for. Plain values: they are copied on their way. */
export type CompilerJob = BundlesJob | ComparisonJob;

/** The bundles of one intent, as octets. */
export interface BundlesJob {
  readonly kind: 'bundles';
  readonly intent: FabricIntent;
}

/** What becomes of the bundles when one intent follows another. */
export interface ComparisonJob {
  readonly kind: 'comparison';
  /** Undefined: nothing was published before. */
  readonly before: FabricIntent | undefined;
  readonly after: FabricIntent;
}

/** The answer to each kind of job. */
export interface CompilerAnswers {
  readonly bundles: Compiled<{ readonly bundles: readonly CompiledBundle[] }>;
  readonly comparison: Compiled<{ readonly changes: readonly BundleChange[] }>;
}

/** An intent that is wrong is an answer too: everything that is wrong with it. */
export type Compiled<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

export interface CompiledBundle {
  readonly edgeId: string;
  readonly octets: Uint8Array;
  /** SHA-256 of the octets. */
  readonly hash: Uint8Array;
}

/** An edge whose bundle is another one than before. */
export interface BundleChange {
  readonly edgeId: string;
  readonly change: 'added' | 'changed' | 'removed';
}

/** Crosses to the thread. */
export interface CompilerRequest {
  readonly id: number;
  readonly job: CompilerJob;
}

/** Comes back. `failed`: the compiler threw, which is a bug of ours; the thread lives on. */
export type CompilerReply =
  | { readonly id: number; readonly kind: 'answered'; readonly answer: CompilerAnswers[CompilerJob['kind']] }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string; readonly stack: string | undefined };

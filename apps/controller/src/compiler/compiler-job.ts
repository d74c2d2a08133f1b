import type {
  CompileProblem,
  DecidingRule,
  ExplainedEnd,
  ExplainedHop,
  ExplainedRule,
  FabricIntent,
  FindingKind,
  FlowChange,
  PacketExplanation,
  TunnelChange,
  WrittenEntry,
} from '@weft/fabric-compiler';
import type { Removal } from '../distribution/removals.js';

/** What the thread of the compiler is asked for. Plain values: they are copied on their way. */
export type CompilerJob = BundlesJob | ValidationJob | ExplanationJob;

/** The bundles of one intent, as octets. */
export interface BundlesJob {
  readonly kind: 'bundles';
  readonly intent: FabricIntent;
  /** Certificates that the peers of an edge must not believe, lower-case hex, by edge id. */
  readonly revokedSerials?: ReadonlyMap<string, readonly string[]>;
  /** Hashes of what edges should run already, by edge id: what is the same is not answered once more. */
  readonly known?: ReadonlyMap<string, Uint8Array>;
}

/** Whether an intent may follow another, and what would change. */
export interface ValidationJob {
  readonly kind: 'validation';
  /** Undefined: nothing was published before. */
  readonly before: FabricIntent | undefined;
  readonly after: FabricIntent;
}

/** Why a packet goes the way it goes. */
export interface ExplanationJob {
  readonly kind: 'explanation';
  readonly intent: FabricIntent;
  readonly packet: AskedPacket;
}

/** Both addresses are of the same IP version. */
export type AskedPacket = Omit<ReportedPacket, 'text'>;

/** The answer to each kind of job. */
export interface CompilerAnswers {
  readonly bundles: Compiled<CompiledBundles>;
  readonly validation: Compiled<{ readonly validation: Validation }>;
  readonly explanation: Compiled<{ readonly explanation: ReportedExplanation }>;
}

/** An intent that is wrong is an answer too: everything that is wrong with it. */
export type Compiled<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

export interface CompiledBundles {
  readonly bundles: readonly CompiledBundle[];
  /** Edges whose bundle has the hash that is known. */
  readonly unchanged: readonly string[];
}

export interface CompiledBundle {
  readonly edgeId: string;
  readonly octets: Uint8Array;
  /** SHA-256 of the octets. */
  readonly hash: Uint8Array;
}

export interface Validation {
  /** Proofs and policy tests that fail. Empty: it may be published. */
  readonly findings: readonly ReportedFinding[];
  readonly bundles: readonly BundleChange[];
  /** Exact numbers, and the first of the items. */
  readonly tunnels: Readonly<Record<TunnelChange['change'], number>> & {
    readonly items: readonly TunnelChange[];
    /** Of all tunnels of the intent: how many authenticate packets and encrypt nothing. */
    readonly notEncrypted: number;
  };
  readonly flows: {
    readonly sitePairs: Readonly<Record<FlowChange['change'], number>>;
    /** False: the numbers are at least so high; there was more to compare than is worth the time. */
    readonly complete: boolean;
    readonly items: readonly ReportedFlow[];
  };
  /** What each rule in force means, as a hash, by its id. */
  readonly ruleMeanings: ReadonlyMap<string, string>;
}

export interface ReportedFinding {
  readonly kind: FindingKind;
  readonly detail: string;
  readonly fix: string;
  /** JSON pointer into the intent: the policy line, or the policy test; empty where it is about neither. */
  readonly pointer: string;
  readonly edgeIds: readonly string[];
  readonly policyLine: PolicyLine | null;
  readonly policyTestId: string | null;
  /** A packet that shows it. */
  readonly counterexample: ReportedPacket | null;
}

export interface PolicyLine {
  readonly policyId: string;
  readonly policyName: string;
  readonly ruleId: string;
  readonly ruleName: string;
}

export interface ReportedPacket {
  /** "tcp 10.0.0.1:1024 → 10.1.0.9:443" */
  readonly text: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export type ReportedFlow = Omit<FlowChange, 'example' | 'ruleBefore' | 'ruleAfter'> & {
  readonly example: ReportedPacket;
  readonly ruleBefore: DecidingRule | null;
  readonly ruleAfter: DecidingRule | null;
};

export type ReportedExplanation = Pick<PacketExplanation, 'verdict'> & {
  readonly packet: ReportedPacket;
  readonly rule: ExplainedRule | null;
  readonly source: ReportedEnd | null;
  readonly destination: ReportedEnd | null;
  readonly hops: readonly ReportedHop[];
};

export type ReportedEnd = Pick<ExplainedEnd, 'siteId' | 'siteName' | 'siteAddress'> & {
  readonly edgeId: string | null;
};

export type ReportedHop = Omit<ExplainedHop, 'outbound' | 'inbound'> & {
  /** Null at an external peer, whose SPD is not ours. */
  readonly outbound: WrittenEntry | null;
  /** Null at an external peer, whose SPD is not ours. */
  readonly inbound: WrittenEntry | null;
};

/** An edge whose bundle is another one than before. */
export interface BundleChange {
  readonly edgeId: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Of a bundle that is another one: what of the one before is not in it. */
  readonly removal: Removal | undefined;
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

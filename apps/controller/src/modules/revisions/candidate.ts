import { isDeepStrictEqual } from 'node:util';
import type { FabricIntent } from '@weft/fabric-compiler';
import { type DraftState, versionOf } from './drafts.js';
import { restorable } from './restorable.js';
import type { StoredRevision } from './revisions.repository.js';

/** What is to come into force: the draft, or an earlier revision instead of it. */
export interface Candidate {
  readonly intent: FabricIntent;
  /** Whether it differs from what is in force. */
  readonly changed: boolean;
  readonly version: string;
  /** The revision whose intent it is, when it is to be restored. */
  readonly restoredFrom: number | null;
}

export function draftAsCandidate({ intent, changed, version }: DraftState): Candidate {
  return { intent, changed, version, restoredFrom: null };
}

/** With the policy tests of the draft: what must hold does not come back with what did. */
export function revisionAsCandidate({ revision, intent: then }: StoredRevision, draft: DraftState): Candidate {
  const intent = restorable(then, draft.intent.policyTests);
  const changed = !isDeepStrictEqual(draft.newest?.intent, intent);
  return { intent, changed, version: versionOf(baseOf(draft), intent), restoredFrom: revision.number };
}

/** Number of the revision that it would follow; 0: none. */
export function baseOf({ newest }: DraftState): number {
  return newest?.revision.number ?? 0;
}

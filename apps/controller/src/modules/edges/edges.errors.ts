import { type DomainError, refusal } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';

/** Undefined: the one that would have been next. */
export function preferenceTaken(preference: number | undefined): DomainError {
  return refusal('conflict', {
    pointer: '/preference',
    rule: 'preference_taken',
    detail: `No edge of the site can have the preference ${preference ?? 'after the last one'}: another has it, or it is above 255`,
    fix: 'Choose a preference that no other edge of the site has.',
  });
}

export function repeatedUplink(pointer = '/otherUnderlayAddresses'): ProblemEntry {
  return {
    pointer,
    rule: 'duplicate_endpoint',
    detail: 'The edge would have one underlay address twice',
    fix: 'Name each uplink once, and the preferred one in underlayAddress alone.',
  };
}

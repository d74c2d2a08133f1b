import { type DomainError, refusal } from '../platform/http/domain-error.js';

/** Another one of the same kind has the name. */
export function nameTaken(noun: string, name: string, within = 'this tenant'): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `There is ${/^[aeo]/.test(noun) ? 'an' : 'a'} ${noun} "${name}" in ${within} already`,
    fix: 'Choose another name.',
  });
}

/** A body names a site that does not exist in the tenant. */
export function unknownSite(pointer: string, siteId: string): DomainError {
  return refusal('invalid', {
    pointer,
    rule: 'unknown_site',
    detail: `There is no site ${siteId} in this tenant`,
    fix: 'Name a site of this tenant, or make it first.',
  });
}

/** Something cannot be removed because others refer to it. `users` are phrases like 'the edge "berlin-1"'. */
export function inUse(noun: string, users: readonly string[]): DomainError {
  const named = users.length === 0 ? 'something made at the same moment' : users.slice(0, MAX_NAMED).join(', ');
  const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : '';
  return refusal('conflict', {
    pointer: '',
    rule: `${noun}_in_use`,
    detail: `The ${noun.replaceAll('_', ' ')} is used by ${named}${more}`,
    fix: 'Remove or change what uses it first.',
  });
}

const MAX_NAMED = 5;

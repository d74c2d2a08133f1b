import { DomainError, refusal } from '../../platform/http/domain-error.js';

export function tenantNameTaken(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `There is a tenant "${name}" already`,
    fix: 'Choose another name.',
  });
}

/** Of rules that name no profile. */
export function unknownDefaultProfile(profileId: string): DomainError {
  return refusal('invalid', {
    pointer: '/defaultProfileId',
    rule: 'unknown_profile',
    detail: `There is no profile ${profileId} in this tenant`,
    fix: 'Name a profile of this tenant, or make it first; null is the profile of the product.',
  });
}

/** A program that publishes must not be able to spare itself the approval. */
export function approvalRuleInPerson(): DomainError {
  const detail = 'Whether publishing needs an approval is nothing for API tokens: log in with a name and a password.';
  return new DomainError('forbidden', 'approval_rule_in_person', detail);
}

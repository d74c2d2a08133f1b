import { DomainError, refusal } from '../../platform/http/domain-error.js';

export function userNameTaken(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `There is a user "${name}" already`,
    fix: 'Choose another name; names are of their own in the whole installation.',
  });
}

/** A tenant's admin who could change somebody of the provider would be one of the provider. */
export function providerAdminRequired(): DomainError {
  const detail = 'Only an admin of the provider may give or take a role of the provider, or change who has one.';
  return new DomainError('forbidden', 'provider_admin_required', detail);
}

export function lastProviderAdmin(): DomainError {
  const detail = 'This is the last admin of the provider. Make somebody else one first.';
  return new DomainError('conflict', 'last_provider_admin', detail);
}

/** Whoever could give another password or take a second factor away would come into all of the tenants. */
export function sharedAccount(): DomainError {
  const detail =
    'The user is a member of other tenants, too. Only the user or an admin of the provider changes the password or takes the second factor away.';
  return new DomainError('forbidden', 'shared_account', detail);
}

/** With the next login it would be undone. */
export function fromOidc(name: string): DomainError {
  const detail = `${name} logs in at the OpenID provider, which says the roles and has the password. Change them there.`;
  return new DomainError('conflict', 'user_from_oidc', detail);
}

export function noTotp(name: string): DomainError {
  return new DomainError('conflict', 'no_totp', `${name} has no second factor.`);
}

/** Whoever has a session only must not get rid of what protects the login. */
export function ownTotp(): DomainError {
  const detail =
    'This is your own second factor. Remove it with your password and a code, or have another admin reset it.';
  return new DomainError('conflict', 'own_totp', detail);
}

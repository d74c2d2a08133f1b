import { DomainError } from '../../platform/http/domain-error.js';

export function oidcNotConfigured(): DomainError {
  const detail = 'This installation has no OpenID provider. Log in with POST /api/v1/session.';
  return new DomainError('not_found', 'oidc_not_configured', detail);
}

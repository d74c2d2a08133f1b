/** Why nobody comes in by the provider. The console has a sentence for each; it stands in the address that the browser is sent to. */
export const OIDC_REFUSALS = [
  'login_expired',
  'refused_by_provider',
  'provider_unavailable',
  'token_refused',
  'no_role',
  'last_provider_admin',
  'too_many_attempts',
] as const;

export type OidcRefusalCode = (typeof OIDC_REFUSALS)[number];

/** Nobody comes in. The message is for the log. */
export class OidcRefusal extends Error {
  override readonly name = 'OidcRefusal';

  constructor(
    readonly code: OidcRefusalCode,
    detail: string,
  ) {
    super(detail);
  }
}

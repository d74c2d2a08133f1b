import { z } from 'zod';
import { secureUrl } from '../modules/oidc/protocol/provider-metadata.js';
import { ROLES, type Role } from '../platform/http/role.js';

/** Users log in at an OpenID provider, too. */
export interface OidcConfig {
  /** `WEFT_OIDC_ISSUER`, as the provider writes it in its tokens. */
  readonly issuer: string;
  /** `WEFT_OIDC_CLIENT_ID`. */
  readonly clientId: string;
  /** `WEFT_OIDC_CLIENT_SECRET_FILE`: absolute path. */
  readonly clientSecretFile: string;
  /** `WEFT_OIDC_REDIRECT_URI`: where the provider sends browsers back to, as browsers reach this controller. */
  readonly redirectUri: URL;
  /** `WEFT_OIDC_SCOPES`. */
  readonly scopes: readonly string[];
  /** `WEFT_OIDC_DISPLAY_NAME`: what the console calls the provider. */
  readonly displayName: string;
  /** `WEFT_OIDC_NAME_CLAIM`: the claim by which a user is called. */
  readonly nameClaim: string;
  /** `WEFT_OIDC_ROLE_CLAIM`: the claim whose values give roles. */
  readonly roleClaim: string;
  /** `WEFT_OIDC_ROLES`. The first one that somebody has says which tenant keeps the account. */
  readonly roles: readonly TenantRoleMapping[];
  /** `WEFT_OIDC_PROVIDER_ROLES`: nobody else gets a role of the provider. */
  readonly providerRoles: readonly RoleMapping[];
}

/** Who has this value of the claim has this role. */
export interface RoleMapping {
  readonly value: string;
  readonly role: Role;
}

export interface TenantRoleMapping extends RoleMapping {
  /** Name of the tenant. */
  readonly tenant: string;
}

/** Where the provider sends browsers back to. */
export const CALLBACK_PATH = '/api/v1/session/oidc/callback';

/** Reads `value=role@tenant` entries, between which there is a semicolon. Throws an Error that says what is wrong. */
export function parseTenantRoles(text: string): readonly TenantRoleMapping[] {
  return entriesOf(text).map((entry) => {
    const match = TENANT_ROLE.exec(entry);
    const [, value = '', role = '', tenant = ''] = match ?? [];
    if (match === null || !isRole(role)) {
      throw new Error(`"${entry}" must be value=role@tenant, with one of the roles ${ROLES.join(', ')}`);
    }
    return { value: value.trim(), role, tenant: tenant.trim() };
  });
}

/** Reads `value=role` entries, between which there is a semicolon. Throws an Error that says what is wrong. */
export function parseProviderRoles(text: string): readonly RoleMapping[] {
  return entriesOf(text).map((entry) => {
    const match = ROLE.exec(entry);
    const [, value = '', role = ''] = match ?? [];
    if (match === null || !isRole(role)) {
      throw new Error(`"${entry}" must be value=role, with one of the roles ${ROLES.join(', ')}`);
    }
    return { value: value.trim(), role };
  });
}

/** An issuer has neither a query nor a fragment (OpenID Connect Discovery 1.0 section 3). Throws an Error that says so. */
export function parseIssuer(text: string): string {
  if (secureUrl(text).search !== '') throw new Error(`"${text}" must be an issuer, and has a query`);
  return text;
}

/** Throws an Error that says what is wrong. */
export function parseRedirectUri(text: string): URL {
  const url = secureUrl(text);
  if (url.pathname !== CALLBACK_PATH || url.search !== '') {
    throw new Error(`"${text}" must be where browsers reach this controller, and end with ${CALLBACK_PATH}`);
  }
  return url;
}

/** Throws an Error that says what is wrong. */
export function parseScopes(text: string): readonly string[] {
  const scopes = text.split(/\s+/);
  // RFC 6749 section 3.3.
  if (!scopes.includes('openid') || scopes.some((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(scope))) {
    throw new Error(`"${text}" must be scopes with spaces between them, and openid among them`);
  }
  return scopes;
}

/** Without control characters: it is shown, sent, or looked for. */
export const OneLine = z
  .string()
  .max(200, 'must have at most 200 characters')
  .regex(/^\P{C}+$/u, 'must have no control characters');

function entriesOf(text: string): readonly string[] {
  const entries = text
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length > ENTRIES_MAXIMUM) throw new Error(`there may be at most ${ENTRIES_MAXIMUM} entries`);
  return entries;
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** The last "=role@": a value may be a distinguished name, which has both signs. */
const TENANT_ROLE = /^(.+)=\s*([a-z]+)\s*@([^=]+)$/;
const ROLE = /^(.+)=\s*([a-z]+)$/;
const ENTRIES_MAXIMUM = 1000;

import type { OidcConfig } from '../../config/oidc-config.js';
import { greaterRole, type Role } from '../../platform/http/role.js';

/** What somebody may do, by what the provider says of them. */
export interface GrantedRoles {
  /** Name of the tenant. */
  readonly tenant: string;
  readonly role: Role;
  readonly providerRole: Role | null;
}

/**
 * The roles that the claim gives. The first entry that fits says in which tenant somebody is; of the entries for that tenant the
 * greatest role counts. Undefined when no entry fits: a role of the provider alone makes nobody a user.
 */
export function grantedRoles(
  { roleClaim, roles, providerRoles }: Pick<OidcConfig, 'roleClaim' | 'roles' | 'providerRoles'>,
  claims: Readonly<Record<string, unknown>>,
): GrantedRoles | undefined {
  const values = new Set(valuesOf(Object.hasOwn(claims, roleClaim) ? claims[roleClaim] : undefined));
  const fitting = roles.filter(({ value }) => values.has(value));
  const tenant = fitting[0]?.tenant;
  const role = greatest(fitting.filter((entry) => entry.tenant === tenant).map((entry) => entry.role));
  if (tenant === undefined || role === null) return undefined;
  return {
    tenant,
    role,
    providerRole: greatest(providerRoles.filter(({ value }) => values.has(value)).map((entry) => entry.role)),
  };
}

/** One text or several; anything else says nothing. */
function valuesOf(claim: unknown): readonly string[] {
  return (Array.isArray(claim) ? claim : [claim]).filter((value) => typeof value === 'string');
}

function greatest(roles: readonly Role[]): Role | null {
  return roles.reduce<Role | null>((most, role) => greaterRole(most, role), null);
}

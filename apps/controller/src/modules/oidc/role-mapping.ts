import type { OidcConfig } from '../../config/oidc-config.js';
import { greaterRole, type Role } from '../../platform/http/role.js';

/** What somebody may do, by what the provider says of them. */
export interface GrantedRoles {
  /** In which tenants; at least one. The first keeps the account. */
  readonly memberships: readonly GrantedMembership[];
  readonly providerRole: Role | null;
}

export interface GrantedMembership {
  /** Name of the tenant. */
  readonly tenant: string;
  readonly role: Role;
}

/**
 * The roles that the claim gives: in each tenant that an entry which fits is for, in the order of the entries, the greatest of those for
 * it. Undefined when no entry fits: a role of the provider alone makes nobody a user.
 */
export function grantedRoles(
  { roleClaim, roles, providerRoles }: Pick<OidcConfig, 'roleClaim' | 'roles' | 'providerRoles'>,
  claims: Readonly<Record<string, unknown>>,
): GrantedRoles | undefined {
  const values = new Set(valuesOf(Object.hasOwn(claims, roleClaim) ? claims[roleClaim] : undefined));
  const fitting = roles.filter(({ value }) => values.has(value));
  const memberships = new Map<string, Role>();
  for (const { tenant, role } of fitting) {
    memberships.set(tenant, greaterRole(memberships.get(tenant) ?? null, role) ?? role);
  }
  if (memberships.size === 0) return undefined;
  return {
    memberships: [...memberships].map(([tenant, role]) => ({ tenant, role })),
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

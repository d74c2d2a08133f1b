import type { Session, User } from '../../api/index.js';

export type Role = User['role'];

/** From the least to the greatest: each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const satisfies readonly Role[];

export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  viewer: 'Reads everything, changes nothing.',
  operator: 'Changes the draft; enrolls and revokes edges.',
  approver: 'Approves drafts, puts them in force, and earlier revisions again.',
  admin: 'Says who may what, and how the fabric works.',
};

/** What somebody may do in the tenant in force: the greater of the two roles. */
export function ownRole({ role, providerRole }: Pick<Session, 'role' | 'providerRole'>): Role {
  if (role === null) return providerRole ?? 'viewer';
  return providerRole !== null && ROLES.indexOf(providerRole) > ROLES.indexOf(role) ? providerRole : role;
}

/** That and everything below it. */
export function rolesUpTo(greatest: Role): Role[] {
  return ROLES.slice(0, ROLES.indexOf(greatest) + 1);
}

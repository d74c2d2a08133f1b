import { expect, it } from 'vitest';
import { ownRole, ROLES, rolesUpTo } from './roles.js';

it('takes the greater of the role in the tenant and that of the provider', () => {
  for (const role of ROLES) {
    expect(ownRole({ role, providerRole: null })).toBe(role);
    expect(ownRole({ role, providerRole: 'viewer' })).toBe(role);
    expect(ownRole({ role, providerRole: 'admin' })).toBe('admin');
  }
});

it('offers no role above the own one', () => {
  expect(rolesUpTo('viewer')).toEqual(['viewer']);
  expect(rolesUpTo('approver')).toEqual(['viewer', 'operator', 'approver']);
  expect(rolesUpTo('admin')).toEqual(ROLES);
});

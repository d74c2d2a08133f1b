import { describe, expect, it } from 'vitest';
import { parseProviderRoles, parseTenantRoles } from '../../config/oidc-config.js';
import { grantedRoles } from './role-mapping.js';

const MAPPING = {
  roleClaim: 'groups',
  roles: parseTenantRoles('net-read=viewer@default; net-admin=admin@default; lab=operator@lab'),
  providerRoles: parseProviderRoles('msp=viewer; root=admin'),
};
const granted = (groups: unknown) => grantedRoles(MAPPING, { groups });

describe('grantedRoles', () => {
  it('gives in each tenant the greatest role, in the order of the entries', () => {
    expect(granted(['net-read'])).toEqual({
      memberships: [{ tenant: 'default', role: 'viewer' }],
      providerRole: null,
    });
    expect(granted(['lab', 'net-admin', 'net-read'])).toEqual({
      memberships: [
        { tenant: 'default', role: 'admin' },
        { tenant: 'lab', role: 'operator' },
      ],
      providerRole: null,
    });
    expect(granted('lab')).toEqual({ memberships: [{ tenant: 'lab', role: 'operator' }], providerRole: null });
  });

  it('gives a role of the provider to who has one of its own entries, and to nobody else', () => {
    expect(granted(['net-admin', 'msp', 'root'])).toEqual({
      memberships: [{ tenant: 'default', role: 'admin' }],
      providerRole: 'admin',
    });
    expect(granted(['root'])).toBeUndefined();
  });

  it.each([undefined, null, 7, {}, [], [['lab']], [{ lab: true }], 'LAB', 'lab ', { 0: 'lab' }])(
    'gives nothing for %j',
    (groups) => {
      expect(granted(groups)).toBeUndefined();
    },
  );

  it('looks at claims alone, and not at what every object has', () => {
    expect(grantedRoles({ ...MAPPING, roleClaim: 'constructor' }, {})).toBeUndefined();
  });
});

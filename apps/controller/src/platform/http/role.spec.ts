import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { greaterRole, isAtLeast, lesserRole, ROLES } from './role.js';

const role = fc.constantFrom(...ROLES);

describe('roles', () => {
  it('are in one order, from viewer to admin', () => {
    const allowed = ROLES.map((least) => ROLES.filter((has) => isAtLeast(has, least)).length);
    expect(allowed).toEqual([4, 3, 2, 1]);
    fc.assert(fc.property(role, role, (one, other) => isAtLeast(one, other) || isAtLeast(other, one)));
  });

  it('have a greater and a lesser one of two, whichever comes first', () => {
    fc.assert(
      fc.property(role, role, (one, other) => {
        expect([greaterRole(one, other), lesserRole(one, other)].sort()).toEqual([one, other].sort());
        expect(isAtLeast(greaterRole(one, other) ?? 'viewer', lesserRole(one, other))).toBe(true);
      }),
    );
  });

  it('are not there when nobody has given one', () => {
    expect(greaterRole(null, null)).toBeNull();
    fc.assert(fc.property(role, (one) => greaterRole(one, null) === one && greaterRole(null, one) === one));
  });
});

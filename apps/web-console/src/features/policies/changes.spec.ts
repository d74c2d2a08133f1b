import { describe, expect, it } from 'vitest';
import { asReplaced, withoutRule, withRule, withRuleMoved } from './changes.js';

const rule = (id: string) => ({
  id,
  name: id,
  action: 'PROTECT' as const,
  sources: [{ kind: 'any' as const }],
  destinations: [{ kind: 'any' as const }],
  services: [{ protocol: 'any' as const, ports: [] }],
  serviceIds: ['s'],
  profileId: 'p',
  tunnelStart: { kind: 'trap' as const, idleSeconds: 600 },
  enabled: true,
});
const policy = {
  id: 'p',
  name: 'Policy',
  description: 'text',
  enabled: true,
  confidential: true,
  position: 0,
  rules: [rule('a'), rule('b'), rule('c')],
  version: 3,
  createdAt: '',
  updatedAt: '',
};
const idsOf = ({ rules }: { rules: readonly { id?: string }[] }) => rules.map(({ id }) => id);

describe('changes', () => {
  it('never lose which services a rule names', () => {
    for (const input of [withRuleMoved(policy, 2, 0), withRule(policy, 3, rule('x')), withoutRule(policy, 0)]) {
      expect(
        input.rules.every(
          ({ serviceIds, profileId, tunnelStart: start }) =>
            serviceIds?.[0] === 's' && profileId === 'p' && start?.kind === 'trap',
        ),
      ).toBe(true);
      expect(asReplaced(policy, input).rules.every(({ serviceIds }) => serviceIds[0] === 's')).toBe(true);
    }
  });

  it('never lose that a policy asks for confidentiality', () => {
    for (const input of [withRuleMoved(policy, 2, 0), withRule(policy, 1, rule('x')), withoutRule(policy, 0)]) {
      expect(input).toMatchObject({ confidential: true });
      expect(asReplaced(policy, input)).toMatchObject({ confidential: true });
    }
    expect(asReplaced(policy, { name: 'p', rules: [] })).toMatchObject({ confidential: false });
  });

  it('moves, replaces, appends and removes a rule, and keeps the rest of the policy', () => {
    expect(idsOf(withRuleMoved(policy, 2, 0))).toEqual(['c', 'a', 'b']);
    expect(idsOf(withRule(policy, 1, rule('x')))).toEqual(['a', 'x', 'c']);
    expect(idsOf(withRule(policy, 3, rule('x')))).toEqual(['a', 'b', 'c', 'x']);
    expect(idsOf(withoutRule(policy, 0))).toEqual(['b', 'c']);
    expect(withoutRule(policy, 0)).toMatchObject({ name: 'Policy', description: 'text', enabled: true });
    expect(idsOf(policy)).toEqual(['a', 'b', 'c']);
  });

  it('shows a replacement at once, without the rules that have no identity yet', () => {
    const { id: _, ...fresh } = rule('new');
    expect(idsOf(asReplaced(policy, withRule(policy, 3, fresh)))).toEqual(['a', 'b', 'c']);
    expect(idsOf(asReplaced(policy, withRuleMoved(policy, 0, 1)))).toEqual(['b', 'a', 'c']);
  });
});

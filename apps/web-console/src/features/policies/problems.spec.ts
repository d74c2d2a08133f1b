import { expect, it } from 'vitest';
import { placeOfProblem, sortProblems } from './problems.js';

const rule = (id: string) => ({
  id,
  name: `rule ${id}`,
  action: 'PROTECT' as const,
  sources: [],
  destinations: [],
  services: [],
  serviceIds: [],
  profileId: null,
  tunnelStart: null,
  enabled: true,
});
const policy = (id: string, rules: string[]) => ({
  id,
  name: `policy ${id}`,
  description: '',
  enabled: true,
  position: 0,
  rules: rules.map(rule),
  confidential: false,
  version: 1,
  createdAt: '',
  updatedAt: '',
});
const problem = (pointer: string) => ({ pointer, rule: 'r', detail: 'd', fix: 'f' });
const policies = [policy('p', ['a']), policy('q', ['b', 'c'])];

it('puts each problem at its rule, its policy, or neither', () => {
  const pointers = [
    '/policies/1/rules/1/sources/0',
    '/policies/1/rules/9',
    '/policies/0/id',
    '/networks/0/prefix',
    '/policies/7',
  ];
  const { byRule, byPolicy, rest } = sortProblems(pointers.map(problem), policies);
  expect([...byRule.keys()]).toEqual(['c']);
  expect([...byPolicy.keys()]).toEqual(['q', 'p']);
  expect(rest.map(({ pointer }) => pointer)).toEqual(['/networks/0/prefix', '/policies/7']);
});

it('names the place as a person would', () => {
  expect(placeOfProblem(problem('/policies/1/rules/0'), policies)).toBe('Policy “policy q”, rule 1 “rule b”');
  expect(placeOfProblem(problem('/policies/0'), policies)).toBe('Policy “policy p”');
  expect(placeOfProblem(problem('/keyingMode'), policies)).toBe('Fabric settings, “Keys”');
  expect(placeOfProblem(problem('/edges/0'), policies)).toBeUndefined();
});

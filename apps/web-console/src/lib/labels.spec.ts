import { describe, expect, it } from 'vitest';
import { labelsText, readLabels } from './labels.js';

describe('labels as people write them', () => {
  it.each([
    ['', {}],
    ['role=branch', { role: 'branch' }],
    [' role = branch ,region=emea, ', { role: 'branch', region: 'emea' }],
    ['weft.example/tier=1', { 'weft.example/tier': '1' }],
    ['a=b=c', { a: 'b=c' }],
    ['role=', { role: '' }],
    ['__proto__=a', Object.fromEntries([['__proto__', 'a']])],
  ])('%j is %j', (text, labels) => {
    expect(readLabels(text)).toEqual({ labels });
  });

  it.each([
    ['branch', '“branch” is no label'],
    ['role=branch, emea', '“emea” is no label'],
    ['role=branch, role=hub', 'The label “role” is there twice'],
  ])('%j is refused: %s', (text, problem) => {
    expect(readLabels(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('come back as they went, by name', () => {
    const labels = { role: 'branch', region: 'emea' };
    expect(labelsText(labels)).toBe('region=emea, role=branch');
    expect(readLabels(labelsText(labels))).toEqual({ labels });
    expect(labelsText({})).toBe('');
  });
});

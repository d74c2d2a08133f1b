import type { Draft, Finding, PolicyTest } from '@weft/contracts/rest';
import { describe, expect, it } from 'vitest';
import { judge } from './policy-tests.js';

const tests = ['a', 'b'].map((id) => ({ id, name: `test ${id}` }) as PolicyTest);
const draftOf = (draft: Partial<Draft>) => ({ problems: [], findings: [], ...draft }) as unknown as Draft;
const passed = (draft: Partial<Draft>) => {
  const result = judge(tests, draftOf(draft));
  return [result.passed, ...result.tests.map((test) => test.passed)];
};

describe('the tests of a draft', () => {
  it('pass when the proof finds nothing', () => {
    expect(passed({})).toEqual([true, true, true]);
  });

  it('fail when it names them, and the draft does when it finds anything', () => {
    expect(passed({ findings: [{ policyTestId: 'b' } as Finding] })).toEqual([false, true, false]);
    expect(passed({ findings: [{ policyTestId: null } as Finding] })).toEqual([false, true, true]);
  });

  it('were not run when the draft does not compile', () => {
    const problems = [{ pointer: '', rule: 'r', detail: 'd', fix: 'f' }];
    expect(passed({ problems })).toEqual([false, null, null]);
  });
});

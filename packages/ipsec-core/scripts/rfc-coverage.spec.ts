import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkCoverage } from './rfc-coverage.js';
import { testTitles, testTitlesOf } from './test-titles.js';

describe('docs/rfc-coverage.md', () => {
  it('names only tests that exist', () => {
    const document = readFileSync(new URL('../../../docs/rfc-coverage.md', import.meta.url), 'utf8');
    const { faults, tested } = checkCoverage(document, testTitlesOf);
    expect(faults).toEqual([]);
    expect(tested).toBeGreaterThan(100);
  });

  it.each([
    ['| 4303 §2.1 | MUST | a | `a.spec.ts` › there is one |', []],
    ['| 4303 §2.1 | MUST | a | `a.spec.ts` › there is one; `a.spec.ts` › another |', []],
    ['| 4303 §2.1 | MUST | a | `a.spec.ts` › there is none |', ['1: no such test: `a.spec.ts` › there is none']],
    ['| 4303 §2.1 | MUST | a | `b.spec.ts` › there is one |', ['1: no such file: `b.spec.ts` › there is one']],
    ['| 4303 §2.1 | MUST | a | trust me |', ['1: no such file: trust me']],
    ['| 4303 §2.1 | MUST | a | open: |', ['1: no such file: open:']],
    ['| 4303 §2.1 | MUST | a | open: later |', ['1: a reason is missing']],
    ['| 4303 §2.1 | MUST | a | declined: it is too hard |', ['1: what MUST be done cannot be declined']],
    ['| 4303 §2.1 | must not | a | declined: it is too hard |', ['1: what MUST be done cannot be declined']],
    ['| 4303 §2.1 | SHOULD | a | declined: for a good reason |', []],
    ['| 4303 §2.1 | should | a | declined: for a good reason |', []],
    ['| 4303 §2.1 | OUGHT | a | n/a: for a good reason |', ['1: "OUGHT" is no level of RFC 2119']],
    ['| 4303 §2.1 | MUST | a | b | n/a: for a good reason |', expect.arrayContaining(['1: a row has four cells'])],
  ])('%j has the faults %j', (row, faults) => {
    const titles = (file: string) => (file === 'a.spec.ts' ? new Set(['there is one', 'another']) : undefined);
    expect(checkCoverage(row, titles).faults).toEqual(faults);
  });

  it('knows a test by its call, not by its text', () => {
    const source = `
      it('a', () => {}); it.each([1])('b %d', () => {}); test.concurrent(\`c \${1}\`, f); it.skip('d', f);
      it.each\`x\`('e', f); describe('f', f); const text = 'it("g")';`;
    expect([...testTitles(source)]).toEqual(['a', 'b %d', `c ${'$'}{1}`, 'e']);
  });
});

import { describe, expect, it } from 'vitest';
import { Refusal } from '../api/refusal.js';
import { CliError } from '../platform/cli-error.js';
import { withProgress } from './progress.js';
import { exitCodeOf, failureAsJson, renderFailure } from './render-problem.js';
import { renderTable } from './table.js';

const PROBLEM = {
  type: 'urn:weft:problem:invalid_request',
  title: 'The request is not valid',
  status: 422,
  detail: 'One value is wrong.',
  instance: '/x',
  requestId: 'r1',
  errors: [{ pointer: '/sites/0/name', rule: 'unique', detail: 'it is there twice', fix: 'give it another name' }],
};

describe('a problem', () => {
  it('is shown with pointer, rule and fix of each entry', () => {
    expect(renderFailure(new Refusal(PROBLEM))).toBe(
      [
        'weft: The request is not valid (422 invalid_request)',
        '  One value is wrong.',
        '  /sites/0/name  (unique)',
        '    it is there twice',
        '    fix: give it another name',
        '  request r1',
      ].join('\n'),
    );
    expect(failureAsJson(new Refusal(PROBLEM))).toEqual(PROBLEM);
  });

  it('of our own has the same form', () => {
    const error = new CliError('some_code', 'what', 'do this');
    expect(failureAsJson(error)).toMatchObject({
      type: 'urn:weft:cli:some_code',
      errors: [{ pointer: '', rule: 'some_code', detail: 'what', fix: 'do this' }],
    });
    expect(exitCodeOf(error)).toBe(2);
    expect(exitCodeOf(new Error('a fault of ours'))).toBe(1);
  });
});

describe('a table', () => {
  it('is aligned, and what others named moves no cursor', () => {
    const rows = [
      ['1', 'berlin'],
      ['1000', 'a\u001b[2J\nb'],
    ];
    expect(renderTable(['id', 'name'], rows)).toBe('ID    NAME\n1     berlin\n1000  a\\u{1b}[2J\\u{a}b');
  });
});

describe('progress', () => {
  it('is not spoken of while an answer comes at once, and the answer is what it was', async () => {
    const said: string[] = [];
    expect(await withProgress({ write: (text) => said.push(text) }, 'step', Promise.resolve(7))).toBe(7);
    expect(said).toEqual([]);
  });
});

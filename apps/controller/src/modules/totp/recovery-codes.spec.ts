import { expect, it } from 'vitest';
import { hashRecoveryCode, makeRecoveryCodes } from './recovery-codes.js';

it('makes ten codes, no two alike', () => {
  const codes = makeRecoveryCodes();
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[a-z2-7]{4}(?:-[a-z2-7]{4}){3}$/);
});

it('knows a code again however somebody writes it', () => {
  const [code = ''] = makeRecoveryCodes();
  const hash = hashRecoveryCode(code);
  expect(hash).toHaveLength(32);
  for (const written of [code.toUpperCase(), code.replaceAll('-', ''), code.replaceAll('-', ' '), ` ${code} `]) {
    expect(hashRecoveryCode(written)).toEqual(hash);
  }
});

it('takes nothing else for one', () => {
  for (const text of ['', '123456', 'abcd-efgh-ijkl-mno', 'abcd-efgh-ijkl-mno1', 'abcd-efgh-ijkl-mnop-q']) {
    expect(hashRecoveryCode(text)).toBeUndefined();
  }
});

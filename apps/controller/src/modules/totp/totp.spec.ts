import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otpauthUri, totpCode, totpStep, totpStepOf } from './totp.js';

/** RFC 6238 appendix B: each hash has a seed of its length, as its erratum 2866 says. */
const seed = (octets: number): Buffer => Buffer.from('1234567890'.repeat(7).slice(0, octets));
const SEEDS = { sha1: seed(20), sha256: seed(32), sha512: seed(64) } as const;

describe('totpCode', () => {
  it.each([
    [59, '94287082', '46119246', '90693936'],
    [1111111109, '07081804', '68084774', '25091201'],
    [1111111111, '14050471', '67062674', '99943326'],
    [1234567890, '89005924', '91819424', '93441116'],
    [2000000000, '69279037', '90698825', '38618901'],
    [20000000000, '65353130', '77737706', '47863826'],
  ])('has the values of RFC 6238 appendix B at %i seconds', (seconds, sha1, sha256, sha512) => {
    const step = totpStep(seconds * 1000);
    expect(totpCode(SEEDS.sha1, step, 8, 'sha1')).toBe(sha1);
    expect(totpCode(SEEDS.sha256, step, 8, 'sha256')).toBe(sha256);
    expect(totpCode(SEEDS.sha512, step, 8, 'sha512')).toBe(sha512);
  });

  it('has the values of RFC 4226 appendix D', () => {
    const values = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'];
    expect(values.map((_, counter) => totpCode(SEEDS.sha1, counter))).toEqual(values);
  });
});

describe('totpStepOf', () => {
  it('takes the codes of the present step and its neighbours, and no other', () => {
    const now = 1_234_567_890_000;
    const present = totpStep(now);
    for (let step = present - 5; step <= present + 5; step++) {
      const expected = Math.abs(step - present) <= 1 ? step : undefined;
      expect(totpStepOf(SEEDS.sha1, totpCode(SEEDS.sha1, step), now)).toBe(expected);
    }
  });

  it('takes nothing that is no code', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/^[0-9]{6}$/.test(text));
    fc.assert(fc.property(anything, (text) => totpStepOf(SEEDS.sha1, text, 0) === undefined));
  });
});

it('writes the URI that authenticators take', () => {
  expect(otpauthUri(SEEDS.sha1, 'ada lovelace', 'Weft')).toBe(
    'otpauth://totp/Weft:ada%20lovelace?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Weft&algorithm=SHA1&digits=6&period=30',
  );
});

import { describe, expect, it } from 'vitest';
import { judgedClaims } from './id-token.js';

const NOW = 1_800_000_000;
const EXPECTED = {
  issuer: 'https://id.example/realm',
  clientId: 'weft',
  nonce: 'of this login',
  now: new Date(NOW * 1000),
};
const GOOD = {
  iss: 'https://id.example/realm',
  sub: 'ada',
  aud: 'weft',
  exp: NOW + 300,
  iat: NOW - 1,
  nonce: 'of this login',
  groups: ['x'],
};

const faultOf = (claims: unknown): unknown => {
  try {
    return judgedClaims(claims, EXPECTED).subject;
  } catch (error) {
    return (error as { fault?: unknown }).fault ?? error;
  }
};
const without = (name: keyof typeof GOOD) => Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));

describe('the claims of an ID Token', () => {
  it('say who it is', () => {
    expect(judgedClaims(GOOD, EXPECTED)).toEqual({ subject: 'ada', claims: GOOD });
    expect(faultOf({ ...GOOD, aud: ['weft'], azp: 'weft', nbf: NOW })).toBe('ada');
  });

  it.each([
    ['another issuer', { iss: 'https://id.example' }, 'issuer'],
    ['the same issuer with a slash', { iss: 'https://id.example/realm/' }, 'issuer'],
    ['another audience', { aud: 'other' }, 'audience'],
    ['no audience', { aud: [] }, 'audience'],
    ['an audience beside us', { aud: ['weft', 'other'], azp: 'weft' }, 'audience'],
    ['another authorized party', { azp: 'other' }, 'audience'],
    ['an end that is over', { exp: NOW - 30 }, 'expired'],
    ['a time that is to come', { iat: NOW + 31 }, 'not_yet_valid'],
    ['a beginning that is to come', { nbf: NOW + 31 }, 'not_yet_valid'],
    ['an age of more than ten minutes', { iat: NOW - 631 }, 'stale'],
    ['another nonce', { nonce: 'of that login' }, 'nonce'],
    ['a subject that is empty', { sub: '' }, 'claims'],
    ['a subject that is too long', { sub: 'x'.repeat(256) }, 'claims'],
    ['a subject that is not ASCII', { sub: 'ädä' }, 'claims'],
    ['a number for a subject', { sub: 7 }, 'claims'],
    ['a text for a time', { exp: String(NOW + 300) }, 'claims'],
    ['a time without end', { exp: Number.POSITIVE_INFINITY }, 'claims'],
  ])('are refused with %s', (_, change, fault) => {
    expect(faultOf({ ...GOOD, ...change })).toBe(fault);
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'nonce'] as const)('are refused without %s', (name) => {
    expect(faultOf(without(name))).toBe('claims');
  });

  it.each([null, [], 'text', 7])('are no %j', (payload) => {
    expect(faultOf(payload)).toBe('claims');
  });

  it('may be of a clock that is half a minute off', () => {
    for (const change of [{ exp: NOW - 29 }, { iat: NOW + 30 }, { nbf: NOW + 30 }, { iat: NOW - 630 }]) {
      expect(faultOf({ ...GOOD, ...change }), JSON.stringify(change)).toBe('ada');
    }
  });
});

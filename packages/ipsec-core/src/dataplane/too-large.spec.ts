import { describe, expect, it } from 'vitest';
import { type TooLarge, tooLargeAction } from './too-large.js';

const base: TooLarge = {
  family: 4,
  mode: 'tunnel',
  dontFragment: false,
  outerDontFragment: false,
  fragmentation: 'before',
  length: 1500,
  largestFragment: undefined,
  limit: 1400,
  carriesFragments: true,
};
const df = { dontFragment: true, outerDontFragment: true };
const six = { family: 6, ...df } as const;

describe('what happens to a packet that is too large (RFC 4301 section 8.2.1)', () => {
  it.each<readonly [string, string, Partial<TooLarge>]>([
    ['case 1: IPv4 with DF', 'report', df],
    ['case 1, outer DF cleared', 'report', { dontFragment: true }],
    ['case 1, outer DF cleared, to be cut after', 'fragment_after', { dontFragment: true, fragmentation: 'after' }],
    ['case 1, outer DF copied, to be cut after', 'report', { ...df, fragmentation: 'after' }],
    ['case 2: IPv4 without DF', 'fragment_before', {}],
    ['case 2, to be cut after', 'fragment_after', { fragmentation: 'after' }],
    ['case 2, to be cut after, outer DF set', 'fragment_before', { fragmentation: 'after', outerDontFragment: true }],
    ['case 2, transport mode', 'fragment_after', { mode: 'transport' }],
    ['case 2, a peer that takes no later fragments', 'fragment_after', { carriesFragments: false }],
    ['case 1, a peer that takes no later fragments', 'report', { ...df, carriesFragments: false }],
    ['case 3: IPv6', 'report', six],
    ['case 3, transport mode', 'report', { ...six, mode: 'transport' }],
    [
      'case 3, outer DF cleared, to be cut after',
      'fragment_after',
      { ...six, outerDontFragment: false, fragmentation: 'after' },
    ],
    ['IPv6, 1280 octets', 'fragment_after', { ...six, length: 1280, limit: 1200 }],
    ['IPv6, 1281 octets', 'report', { ...six, length: 1281, limit: 1200 }],
    ['IPv6 in fragments that fit', 'fragment_before', { ...six, largestFragment: 1400 }],
    ['IPv6 in fragments that do not', 'report', { ...six, largestFragment: 1401 }],
    ['IPv6 in fragments of 1280 that do not fit', 'fragment_before', { ...six, largestFragment: 1280, limit: 1200 }],
    ['IPv4 with DF in fragments that fit', 'fragment_before', { ...df, largestFragment: 1400 }],
    ['IPv4 with DF in fragments that do not', 'report', { ...df, largestFragment: 1401 }],
    ['IPv4 without DF in fragments that do not', 'fragment_before', { largestFragment: 1401 }],
    [
      'in fragments, a peer that takes no later ones',
      'fragment_after',
      { ...six, largestFragment: 1300, carriesFragments: false },
    ],
    ['in fragments, transport mode', 'fragment_after', { mode: 'transport', largestFragment: 600 }],
    [
      'IPv6 in fragments that fit, transport mode',
      'fragment_after',
      { ...six, mode: 'transport', largestFragment: 1400 },
    ],
    ['IPv6 in fragments that do not, transport mode', 'report', { ...six, mode: 'transport', largestFragment: 1401 }],
  ])('%s: %s', (_, action, facts) => {
    expect(tooLargeAction({ ...base, ...facts })).toBe(action);
  });
});

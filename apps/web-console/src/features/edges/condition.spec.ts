import { describe, expect, it } from 'vitest';
import { certificateEndsSoon, conditionOf } from './condition.js';

const bundle = { revision: 1, generation: 1, hash: 'a' };
const rejection = { path: 'tunnels[0]', rule: 'r', reason: 'no' };
const live = {
  connected: true,
  connectedSince: null,
  agentVersion: null,
  enrolledAt: '2026-11-24T00:00:00Z',
  certificateNotAfter: null,
  desired: bundle,
  applied: bundle,
  inSync: true,
  lastRejection: null,
  drops: [],
};

describe('conditionOf', () => {
  it.each([
    ['in-sync', {}],
    ['in-sync', { lastRejection: rejection }],
    ['applying', { inSync: false }],
    ['rejected', { inSync: false, lastRejection: rejection }],
    ['idle', { inSync: false, desired: null, applied: null }],
    ['offline', { connected: false, inSync: false }],
    ['not-enrolled', { connected: false, inSync: false, enrolledAt: null }],
  ] as const)('%s', (condition, change) => {
    expect(conditionOf({ live: { ...live, ...change } })).toBe(condition);
  });
});

it('warns of a certificate in its last week and after', () => {
  const now = Date.parse('2026-11-24T00:00:00Z');
  expect(certificateEndsSoon('2026-12-01T00:00:01Z', now)).toBe(false);
  expect(certificateEndsSoon('2026-11-30T23:59:59Z', now)).toBe(true);
  expect(certificateEndsSoon('2026-11-23T00:00:00Z', now)).toBe(true);
  expect(certificateEndsSoon(null, now)).toBe(false);
});

import { describe, expect, it } from 'vitest';
import type { Edge } from '../../api/index.js';
import { certificateEndsSoon, conditionOf } from './condition.js';

const bundle = { revision: 1, generation: 1, hash: 'a' };
const rejection = { path: 'tunnels[0]', rule: 'r', reason: 'no' };
const live: Edge['live'] = {
  connected: true,
  connectedSince: null,
  agentVersion: null,
  enrolledAt: '2026-11-24T00:00:00Z',
  certificateNotAfter: null,
  certificateCondition: 'valid',
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
    expect(conditionOf({ live: { ...live, ...change }, revocation: null })).toBe(condition);
  });

  it('revoked, whatever else it is', () => {
    expect(conditionOf({ live, revocation: { revokedAt: '', reason: 'stolen' } })).toBe('revoked');
  });
});

it.each([
  ['none', false],
  ['valid', false],
  ['expiring', true],
  ['expired', true],
] as const)('warns of a certificate that is %s: %s', (certificateCondition, warns) => {
  expect(certificateEndsSoon({ certificateCondition })).toBe(warns);
});

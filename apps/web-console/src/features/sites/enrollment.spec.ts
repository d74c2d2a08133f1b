import { expect, it } from 'vitest';
import { enrollmentStep } from './enrollment.js';

const edge = (enrolledAt: string | null, connectedSince: string | null) => ({
  id: 'e',
  siteId: 's',
  name: 'edge',
  underlayAddress: '192.0.2.1',
  otherUnderlayAddresses: [],
  underlayPort: 4500,
  preference: 1,
  version: 1,
  createdAt: '',
  updatedAt: '',
  revocation: null,
  live: {
    connected: connectedSince !== null,
    connectedSince,
    agentVersion: null,
    enrolledAt,
    certificateNotAfter: null,
    certificateCondition: 'none' as const,
    desired: null,
    applied: null,
    inSync: false,
    lastRejection: null,
    drops: [],
  },
});
const never = { enrolledAt: null, connectedSince: null };

it('goes from waiting over enrolled to connected', () => {
  expect(enrollmentStep(edge(null, null), never)).toBe('waiting');
  expect(enrollmentStep(edge('t1', null), never)).toBe('enrolled');
  expect(enrollmentStep(edge('t1', 't2'), never)).toBe('connected');
});

it('is not taken in by the enrollment and the session from before', () => {
  const before = { enrolledAt: 't1', connectedSince: 't2' };
  expect(enrollmentStep(edge('t1', 't2'), before)).toBe('waiting');
  expect(enrollmentStep(edge('t3', 't2'), before)).toBe('enrolled');
  expect(enrollmentStep(edge('t3', 't4'), before)).toBe('connected');
});

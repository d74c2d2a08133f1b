import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../api/index.js';
import { actionLabel, detailsText } from './describe.js';

const entry: AuditEntry = {
  sequence: 12,
  at: '2026-06-01T12:00:00Z',
  actor: 'ada',
  action: 'proof_overridden',
  details: { revision: 7, reason: 'The branch is being closed', edges: ['a', 'b'] },
  hash: '00',
};

describe('an entry of the audit log', () => {
  it.each([
    ['revision_published', 'Revision published'],
    ['oidc_login_refused', 'OIDC login refused'],
    ['api_token_created', 'API token created'],
    ['totp_reset', 'TOTP reset'],
  ] as const)('%s is %s', (action, label) => {
    expect(actionLabel(action)).toBe(label);
  });

  it('tells its details by their names, whatever they are', () => {
    expect(detailsText(entry.details)).toBe('revision 7, reason The branch is being closed, edges ["a","b"]');
    expect(detailsText({})).toBe('');
  });
});

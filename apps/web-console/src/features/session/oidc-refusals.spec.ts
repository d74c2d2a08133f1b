import { describe, expect, it } from 'vitest';
import { describeRefusal, isOidcRefusal } from './oidc-refusals.js';

describe('a refusal in the address', () => {
  it('is one that the controller knows', () => {
    expect(isOidcRefusal('no_role')).toBe(true);
    for (const other of ['toString', '', undefined, 7, 'wrong']) expect(isOidcRefusal(other)).toBe(false);
  });

  it('names the provider where that says more', () => {
    expect(describeRefusal('provider_unavailable', 'Example ID').title).toBe('Example ID cannot be reached');
    expect(describeRefusal('no_role', 'Example ID').title).toBe('You are known, and you have no role here');
  });
});

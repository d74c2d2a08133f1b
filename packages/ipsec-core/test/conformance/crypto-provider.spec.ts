import { nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { cryptoProviderCases, VECTORS_ABSENT, vectorFolder } from './index.js';

describe.each([nobleProvider, nodeCryptoProvider])('crypto provider $name', (provider) => {
  it('passes every public vector of what it offers', (ctx) => {
    const folder = vectorFolder();
    if (folder === undefined) return ctx.skip(VECTORS_ABSENT);
    const perSource = new Map<string, number>();
    const failures: string[] = [];
    for (const { source, name, run } of cryptoProviderCases(provider, folder)) {
      perSource.set(source, (perSource.get(source) ?? 0) + 1);
      try {
        run();
      } catch (error) {
        failures.push(`${source} ${name}: ${String(error)}`);
      }
    }
    expect(failures).toEqual([]);
    // The number of files: a renamed or unread one must not pass unseen.
    expect(perSource.size).toBe(24);
    expect(Math.min(...perSource.values())).toBeGreaterThan(0);
  });
});

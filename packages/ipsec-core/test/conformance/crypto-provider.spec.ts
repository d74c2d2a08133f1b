import { nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { runConformance, VECTORS_ABSENT, vectorFolder } from './index.js';

describe.each([nobleProvider, nodeCryptoProvider])('crypto provider $name', (provider) => {
  it('keeps the contract of CryptoProvider', () => {
    const { failures, passed } = runConformance([provider], undefined);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });

  it('passes every public vector of what it offers', (ctx) => {
    const folder = vectorFolder();
    if (folder === undefined) return ctx.skip(VECTORS_ABSENT);
    const { failures, rows } = runConformance([provider], folder);
    expect(failures).toEqual([]);
    // Both offer everything: only vectors that no provider can be asked for may be left out.
    for (const { source, run } of rows) expect([source, run > 0]).toEqual([source, true]);
  });
});

import type { CryptoProvider } from '@weft/ipsec-core';
import { ahCases } from './ah.js';
import type { ConformanceCase } from './case.js';
import { espCases } from './esp.js';
import { primitiveCases } from './primitives.js';

/**
 * What every crypto provider must pass: each public vector of an algorithm that it offers, first through the primitive,
 * then through whole packets. Runs under any test runner: a case is a function that throws.
 */
export function* cryptoProviderCases(provider: CryptoProvider, vectorFolder: string): Generator<ConformanceCase> {
  yield* primitiveCases(provider, vectorFolder);
  yield* espCases(provider, vectorFolder);
  yield* ahCases(provider, vectorFolder);
}

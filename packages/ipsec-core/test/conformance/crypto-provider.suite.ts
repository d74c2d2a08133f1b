import type { CryptoProvider } from '@weft/ipsec-core';
import { ahItems } from './ah.js';
import { captureItems } from './captures.js';
import { type ConformanceCase, type ConformanceItem, isCase } from './case.js';
import { contractCases } from './contract.js';
import { espItems } from './esp.js';
import { packetItems } from './packets.js';
import { primitiveItems } from './primitives.js';

/**
 * What every crypto provider must pass, in four rungs: the contract of CryptoProvider against the portable provider,
 * each public vector of an algorithm that it offers through the primitive, through the ESP or AH transform, and whole
 * packets through a data plane. Runs under any test runner: a case is a function that throws.
 */
export function* conformanceItems(
  provider: CryptoProvider,
  vectorFolder: string | undefined,
): Generator<ConformanceItem> {
  yield* contractCases(provider);
  if (vectorFolder === undefined) return;
  yield* primitiveItems(provider, vectorFolder);
  yield* espItems(provider, vectorFolder);
  yield* ahItems(provider, vectorFolder);
  yield* packetItems(provider, vectorFolder);
  yield* captureItems(vectorFolder);
}

/** The same without what is left out. */
export function* cryptoProviderCases(
  provider: CryptoProvider,
  vectorFolder: string | undefined,
): Generator<ConformanceCase> {
  for (const item of conformanceItems(provider, vectorFolder)) if (isCase(item)) yield item;
}

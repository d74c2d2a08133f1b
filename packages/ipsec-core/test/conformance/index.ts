export { VECTORS_ABSENT, vectorFolder } from '../support/vectors.js';
export type { ConformanceCase } from './case.js';
export { cryptoProviderCases } from './crypto-provider.suite.js';

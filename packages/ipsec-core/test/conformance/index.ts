export { loadVectors, VECTORS_ABSENT, type Vector, type VectorFile, vectorFolder } from '../support/vectors.js';
export type { ConformanceCase, ConformanceItem, Omission } from './case.js';
export { conformanceItems, cryptoProviderCases } from './crypto-provider.suite.js';
export { type ConformanceReport, type ConformanceRow, formatReport, runConformance } from './report.js';
export { VECTOR_FILES } from './vector-files.js';

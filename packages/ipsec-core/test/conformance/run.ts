import { nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { formatReport, runConformance, vectorFolder } from './index.js';

/** Prints a table and the totals; exit code 1 when a vector fails or is not accounted for. */
const report = runConformance([nobleProvider, nodeCryptoProvider], vectorFolder());
process.stdout.write(`${formatReport(report)}\n`);
process.exitCode = report.failures.length === 0 ? 0 : 1;

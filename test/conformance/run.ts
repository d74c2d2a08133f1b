import { nobleProvider } from '@weft/ipsec-core';
import { formatReport, runConformance, vectorFolder } from '@weft/ipsec-core/conformance';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { findOpenSslProvider } from '@weft/linux-io';

/**
 * `npm run test:conformance`: every crypto provider of the repository through the suite. Prints a table by provider and
 * vector file, and the totals; exit code 1 when a vector fails or is not accounted for.
 */
const openSsl = findOpenSslProvider();
const providers = [nobleProvider, nodeCryptoProvider, ...(openSsl.kind === 'found' ? [openSsl.provider] : [])];
const report = runConformance(providers, vectorFolder());
process.stdout.write(`${formatReport(report)}\n`);
if (openSsl.kind === 'unusable') process.stdout.write(`skipped provider openssl: ${openSsl.reason}\n`);
process.exitCode = report.failures.length === 0 ? 0 : 1;

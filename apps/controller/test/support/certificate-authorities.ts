import { parseConfig } from '../../src/config/parse-config.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { EdgeTrustRepository } from '../../src/pki/edge-trust.repository.js';
import { retirePreviousAuthority } from '../../src/pki/retire-authority.js';
import { TrustAnchor } from '../../src/pki/trust-anchor.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import type { ForeignAuthority } from './foreign-authority.js';
import { startedDatabase } from './started-database.js';

/** As `--rotate-certificate-authority` does. Throws PkiError. */
export async function rotateCertificateAuthority(dataDirectory: string): Promise<void> {
  await (await startedAuthority(dataDirectory)).rotate();
}

/** As `--rotate-intermediate-authority` does. Throws PkiError. */
export async function rotateIntermediateAuthority(dataDirectory: string): Promise<void> {
  await (await startedAuthority(dataDirectory)).rotateIntermediate();
}

/** As `--certificate-authority-request` and `--certificate-authority-import` do, with somebody in between. Throws PkiError. */
export async function followForeignAuthority(dataDirectory: string, foreign: ForeignAuthority): Promise<void> {
  const authority = await startedAuthority(dataDirectory);
  await authority.importIntermediate(await foreign.certify(await authority.requestIntermediate()));
}

/** As `--retire-certificate-authority` does, also beside a controller that runs. Throws PkiError. */
export async function retireCertificateAuthority(dataDirectory: string, databaseUrl: string): Promise<void> {
  const authority = await startedAuthority(dataDirectory);
  const database = await startedDatabase(databaseUrl);
  try {
    const anchor = new TrustAnchor(database, authority, new BundleSigner(configOf(dataDirectory)));
    await retirePreviousAuthority({ database, authority, anchor, trust: new EdgeTrustRepository() });
  } finally {
    await database.stop();
  }
}

async function startedAuthority(dataDirectory: string): Promise<CertificateAuthority> {
  const authority = new CertificateAuthority(configOf(dataDirectory), new Clock(), createLogger('silent'));
  await authority.start();
  return authority;
}

function configOf(dataDirectory: string): ReturnType<typeof parseConfig> {
  return parseConfig({ WEFT_DATA_DIR: dataDirectory });
}

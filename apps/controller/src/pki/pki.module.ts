import { Global, Module } from '@nestjs/common';
import { AuthorityAlarms } from './authority-alarms.js';
import { AuthorityAlarmsRepository } from './authority-alarms.repository.js';
import { BundleSigner } from './bundle-signer.js';
import { CertificateAuthority } from './certificate-authority.js';
import { CertificateRegistry } from './certificate-registry.js';
import { EdgeTrustRepository } from './edge-trust.repository.js';
import { RevocationLists } from './revocation-lists.js';
import { TrustAnchor } from './trust-anchor.js';

/** Keys, certificates and who they were given to. */
@Global()
@Module({
  providers: [
    CertificateAuthority,
    AuthorityAlarms,
    AuthorityAlarmsRepository,
    BundleSigner,
    CertificateRegistry,
    EdgeTrustRepository,
    RevocationLists,
    TrustAnchor,
  ],
  exports: [
    CertificateAuthority,
    AuthorityAlarms,
    AuthorityAlarmsRepository,
    BundleSigner,
    CertificateRegistry,
    EdgeTrustRepository,
    RevocationLists,
    TrustAnchor,
  ],
})
export class PkiModule {}

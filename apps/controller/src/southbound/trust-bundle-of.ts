import type { TrustBundle } from '@weft/contracts/southbound';
import type { BundleSigner } from '../pki/bundle-signer.js';
import type { CertificateAuthority } from '../pki/certificate-authority.js';

/** What edges are told to trust: nothing as long as that is what enrollment says. */
export function trustBundleOf(
  authority: CertificateAuthority,
  signer: BundleSigner,
): { readonly trustBundle?: TrustBundle } {
  return authority.wasRotated ? { trustBundle: signer.signTrustBundle(authority.trusted) } : {};
}

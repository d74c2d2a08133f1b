import type { Database } from '../platform/database/database.js';
import { installationScope } from '../platform/database/database-scope.js';
import type { CertificateAuthority } from './certificate-authority.js';
import type { DependentEdge, EdgeTrustRepository } from './edge-trust.repository.js';
import { PkiError } from './pki-error.js';
import type { TrustAnchor } from './trust-anchor.js';

/** What a retirement needs; all of it started. */
export interface Retirement {
  readonly database: Database;
  readonly authority: CertificateAuthority;
  readonly anchor: TrustAnchor;
  readonly trust: EdgeTrustRepository;
}

/**
 * Ends the overlap of two certificate authorities when no edge in force depends on the one before any more. Throws PkiError
 * 'no_rotation', 'not_in_use', 'still_depended_on' with the names of those that do.
 */
export async function retirePreviousAuthority({ database, authority, anchor, trust }: Retirement): Promise<void> {
  if (authority.previousFingerprint === undefined) {
    throw new PkiError('no_rotation', 'there is one certificate authority only; make another one first');
  }
  await anchor.requireInUse();
  const dependents = await database.within(installationScope('start'), () =>
    trust.dependents(database.sql, authority.rootFingerprint, authority.trusted.version),
  );
  if (dependents.length > 0) throw new PkiError('still_depended_on', refusalOf(dependents));
  await authority.retirePrevious();
}

function refusalOf(dependents: readonly DependentEdge[]): string {
  const lines = dependents
    .slice(0, NAMED_MAXIMUM)
    .map(({ tenantName, edgeName, edgeId, reason }) => `  ${tenantName} / ${edgeName} (${edgeId}): ${REASONS[reason]}`);
  const rest = dependents.length - lines.length;
  return [
    `${dependents.length} edges in force still depend on the certificate authority before:`,
    ...lines,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    'wait until they have been connected and have renewed their certificates; revoke or delete those that will not come back',
  ].join('\n');
}

const REASONS: Readonly<Record<DependentEdge['reason'], string>> = {
  certificate: 'has a certificate that the one before has issued',
  trust: 'has not said that it trusts the new one; connect it, with an agent that knows how to say so',
};
const NAMED_MAXIMUM = 100;

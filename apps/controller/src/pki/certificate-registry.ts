import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import type { IssuedCertificate } from './certificate-authority.js';
import type { EdgeIdentity } from './edge-identity.js';

/** 'unknown' is as bad as 'revoked': the edge was deleted, or the certificate is of another database. */
export type CertificateStatus = 'valid' | 'revoked' | 'unknown';

/** The table of issued certificates. Every method runs on the executor it is given. */
@Injectable()
export class CertificateRegistry {
  /** Records a certificate; the edge's earlier ones are revoked, because an edge is one machine. */
  async record(sql: SqlExecutor, identity: EdgeIdentity, issued: IssuedCertificate): Promise<void> {
    // Two tokens of one edge used at the same time: one after the other, or both would revoke what was before them.
    await sql`
      select 1 from edges where tenant_id = ${identity.tenantId} and id = ${identity.edgeId} for no key update`;
    await sql`
      update certificates set revoked_at = now(), revocation_reason = 'superseded'
      where tenant_id = ${identity.tenantId} and edge_id = ${identity.edgeId} and revoked_at is null`;
    await sql`
      insert into certificates (serial, tenant_id, edge_id, not_before, not_after)
      values (${issued.serial}, ${identity.tenantId}, ${identity.edgeId}, ${issued.notBefore}, ${issued.notAfter})`;
  }

  /** Whether a certificate that TLS has verified may still speak for its edge. */
  async status(sql: SqlExecutor, identity: EdgeIdentity & { readonly serial: string }): Promise<CertificateStatus> {
    const [row] = await sql<{ revoked: boolean }[]>`
      select revoked_at is not null as revoked from certificates
      where serial = ${identity.serial} and tenant_id = ${identity.tenantId} and edge_id = ${identity.edgeId}`;
    if (row === undefined) return 'unknown';
    return row.revoked ? 'revoked' : 'valid';
  }
}

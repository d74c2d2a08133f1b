import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { Database } from '../platform/database/database.js';
import { tenantScope } from '../platform/database/database-scope.js';
import type { IssuedCertificate } from './certificate-authority.js';
import type { EdgeIdentity } from './edge-identity.js';

/** What the table says of a certificate that TLS has verified. */
export type CertificateStatus =
  | 'valid'
  /** A later enrollment of the same edge has come in. */
  | 'superseded'
  | 'revoked'
  /** As bad: the edge was deleted, or the certificate is of another database. */
  | 'unknown';

/** An edge and the certificate that it shows. */
export type ShownCertificate = EdgeIdentity & { readonly serial: string };

/** The table of issued certificates: who may speak for an edge. Methods with `sql` run on the executor they are given. */
@Injectable()
export class CertificateRegistry {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records the first certificate of an enrollment, with which a revoked edge is one again. Those of earlier ones stay in force until it is used. */
  async recordEnrolled(sql: SqlExecutor, identity: EdgeIdentity, issued: IssuedCertificate): Promise<void> {
    // Two enrollments of one edge at the same time: one after the other, so that their numbers are in order.
    await lockEdge(sql, identity);
    await sql`
      update edges set revoked_at = null, revocation_reason = null
      where tenant_id = ${identity.tenantId} and id = ${identity.edgeId} and revoked_at is not null`;
    await sql`
      insert into certificates (serial, tenant_id, edge_id, not_before, not_after, authority)
      values (${issued.serial}, ${identity.tenantId}, ${identity.edgeId}, ${issued.notBefore}, ${issued.notAfter},
        ${issued.authority})`;
  }

  /**
   * Records what `issue` makes as the successor of the certificate shown, which stays in force to its end.
   * @returns why not: that is not valid any more, or too many that follow from its enrollment are in force. Then nothing was
   *   issued.
   */
  async recordRenewed(
    sql: SqlExecutor,
    shown: ShownCertificate,
    issue: () => Promise<IssuedCertificate>,
  ): Promise<IssuedCertificate | 'not_valid' | 'too_many'> {
    // A revocation that is under way comes first, or after, and then finds the successor too.
    await lockEdge(sql, shown);
    if ((await this.#row(sql, shown))?.status !== 'valid') return 'not_valid';
    const [siblings] = await sql<{ count: bigint }[]>`
      select count(*) as count from certificates
      where tenant_id = ${shown.tenantId} and edge_id = ${shown.edgeId} and not_after > now()
        and enrollment = (select enrollment from certificates where serial = ${shown.serial})`;
    if ((siblings?.count ?? 0n) >= IN_FORCE_MAXIMUM) return 'too_many';
    const issued = await issue();
    await sql`
      insert into certificates (serial, tenant_id, edge_id, not_before, not_after, enrollment, renewal_of, authority)
      select ${issued.serial}, tenant_id, edge_id, ${issued.notBefore}::timestamptz, ${issued.notAfter}::timestamptz,
        enrollment, serial, ${issued.authority}::bytea
      from certificates where serial = ${shown.serial}`;
    return issued;
  }

  /**
   * Revokes an edge: its certificates, its unused enrollment tokens, and its place in the bundles of others.
   * @returns undefined when there is no such edge. One that is revoked already stays as it is.
   */
  async revokeEdge(
    sql: SqlExecutor,
    { tenantId, edgeId }: EdgeIdentity,
    reason: string,
  ): Promise<'revoked' | 'was_revoked' | undefined> {
    const [edge] = await sql<{ revoked: boolean }[]>`
      select revoked_at is not null as revoked from edges
      where tenant_id = ${tenantId} and id = ${edgeId} for no key update`;
    if (edge === undefined) return undefined;
    if (edge.revoked) return 'was_revoked';
    await sql`
      update enrollment_tokens set replaced_at = now()
      where tenant_id = ${tenantId} and edge_id = ${edgeId} and used_at is null and replaced_at is null`;
    await sql`
      update certificates set revoked_at = now(), revocation_reason = ${REVOKED}
      where tenant_id = ${tenantId} and edge_id = ${edgeId} and revoked_at is null`;
    await sql`
      update edges set revoked_at = now(), revocation_reason = ${reason}
      where tenant_id = ${tenantId} and id = ${edgeId}`;
    return 'revoked';
  }

  /**
   * Whether a certificate that TLS has verified may speak for its edge. The first one of an enrollment that is asked about
   * supersedes all of earlier enrollments: an edge is one machine.
   */
  admit(shown: ShownCertificate): Promise<CertificateStatus> {
    return this.#database.within(tenantScope(shown.tenantId), () => this.#admit(shown));
  }

  async #admit(shown: ShownCertificate): Promise<CertificateStatus> {
    const row = await this.#row(this.#database.sql, shown);
    if (row === undefined) return 'unknown';
    if (row.status === 'valid' && !row.used) return this.#database.transaction((sql) => this.#admitFirst(sql, shown));
    return row.status;
  }

  async #admitFirst(sql: SqlExecutor, shown: ShownCertificate): Promise<CertificateStatus> {
    await lockEdge(sql, shown);
    const row = await this.#row(sql, shown);
    if (row?.status !== 'valid') return row?.status ?? 'unknown';
    await sql`update certificates set first_used_at = now() where serial = ${shown.serial}`;
    await sql`
      update certificates set revoked_at = now(), revocation_reason = ${SUPERSEDED}
      where tenant_id = ${shown.tenantId} and edge_id = ${shown.edgeId} and revoked_at is null
        and enrollment < (select enrollment from certificates where serial = ${shown.serial})`;
    return 'valid';
  }

  async #row(
    sql: SqlExecutor,
    { serial, tenantId, edgeId }: ShownCertificate,
  ): Promise<{ status: CertificateStatus; used: boolean } | undefined> {
    const [row] = await sql<{ reason: string | null; used: boolean }[]>`
      select revocation_reason as reason, first_used_at is not null as used from certificates
      where serial = ${serial} and tenant_id = ${tenantId} and edge_id = ${edgeId}`;
    if (row === undefined) return undefined;
    const status = row.reason === null ? 'valid' : row.reason === SUPERSEDED ? 'superseded' : 'revoked';
    return { status, used: row.used };
  }
}

async function lockEdge(sql: SqlExecutor, { tenantId, edgeId }: EdgeIdentity): Promise<void> {
  await sql`select 1 from edges where tenant_id = ${tenantId} and id = ${edgeId} for no key update`;
}

/** Of one enrollment. An edge that cannot store what it is given asks for some hundred of them before its own expires. */
const IN_FORCE_MAXIMUM = 256n;
/** As revocation_reason: not by anybody's decision, but because the edge was enrolled anew (RFC 5280 section 5.3.1). */
const SUPERSEDED = 'superseded';
const REVOKED = 'edge revoked';

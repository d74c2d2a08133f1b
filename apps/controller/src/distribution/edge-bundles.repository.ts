import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import type { BundleContent } from './bundle-content.js';
import { type DecodedBundle, DecodedBundles } from './decoded-bundles.js';
import type { AppliedBundle, DesiredBundle, EdgeAssignment, RecordedRejection } from './edge-assignment.js';

/** What the bundles of a tenant follow from: its newest revision, and whom its edges may believe. Both only grow. */
export interface BundleSource {
  readonly revision: number;
  readonly credentialChange: bigint;
}

export function sameSource(left: BundleSource | undefined, right: BundleSource): boolean {
  return left?.revision === right.revision && left.credentialChange === right.credentialChange;
}

/** Whom no edge of a tenant may believe. */
export interface Distrusted {
  readonly edgeIds: ReadonlySet<string>;
  /** Lower-case hex, by edge id. */
  readonly serials: ReadonlyMap<string, readonly string[]>;
}

export interface StoredRevision {
  readonly number: number;
  readonly intent: FabricIntent;
}

/** The table edge_bundles, and the revisions that it follows from. */
@Injectable()
export class EdgeBundlesRepository {
  /** What the bundles of every tenant that has a revision are to follow from. */
  async newestSources(sql: SqlExecutor): Promise<ReadonlyMap<string, BundleSource>> {
    const rows = await sql<({ tenantId: string } & BundleSource)[]>`
      select r.tenant_id, r.revision, coalesce(c.number, 0) as credential_change
      from (select tenant_id, max(number) as revision from revisions group by tenant_id) r
      left join credential_changes c using (tenant_id)`;
    return new Map(rows.map(({ tenantId, ...source }) => [tenantId, source]));
  }

  async newestRevision(sql: SqlExecutor, tenantId: string): Promise<StoredRevision | undefined> {
    const [row] = await sql<StoredRevision[]>`
      select number, intent from revisions where tenant_id = ${tenantId} order by number desc limit 1`;
    return row;
  }

  /** Revision 0 when there is none. */
  async newestSource(sql: SqlExecutor, tenantId: string): Promise<BundleSource> {
    const [row] = await sql<BundleSource[]>`
      select
        coalesce((select max(number) from revisions where tenant_id = ${tenantId}), 0) as revision,
        coalesce((select number from credential_changes where tenant_id = ${tenantId}), 0) as credential_change`;
    if (row === undefined) throw new Error('select without from gave no row');
    return row;
  }

  /** Whom the edges of a tenant may not believe: edges that are revoked, and certificates of others that have not expired. */
  async distrusted(sql: SqlExecutor, tenantId: string): Promise<Distrusted> {
    const edges = await sql<{ id: string }[]>`
      select id from edges where tenant_id = ${tenantId} and revoked_at is not null`;
    const certificates = await sql<{ edgeId: string; serials: string[] }[]>`
      select edge_id, array_agg(serial order by serial) as serials from (
        select c.edge_id, c.serial, row_number() over (partition by c.edge_id order by c.revoked_at desc, c.serial) as place
        from certificates c
        join edges e on e.tenant_id = c.tenant_id and e.id = c.edge_id and e.revoked_at is null
        where c.tenant_id = ${tenantId} and c.revoked_at is not null and c.not_after > now()
      ) newest where place <= ${REVOKED_SERIALS_MAXIMUM} group by edge_id`;
    return {
      edgeIds: new Set(edges.map(({ id }) => id)),
      serials: new Map(certificates.map(({ edgeId, serials }) => [edgeId, serials])),
    };
  }

  /** Until the end of the transaction no other controller changes what is desired of this tenant. */
  async lockTenant(sql: SqlExecutor, tenantId: string): Promise<void> {
    await sql`select pg_advisory_xact_lock(${LOCK_CLASS}::integer, hashtext(${tenantId}))`;
  }

  /** Makes the content desired; the generation grows when it differs from what was. A newer revision wins. */
  async storeDesired(
    sql: SqlExecutor,
    edge: { readonly tenantId: string; readonly edgeId: string; readonly revision: number },
    { octets, hash }: BundleContent,
  ): Promise<void> {
    await sql`
      insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content)
      values (${edge.tenantId}, ${edge.edgeId}, ${edge.revision}, 1, ${hash}, ${octets})
      on conflict (tenant_id, edge_id) do update set
        revision = excluded.revision,
        generation = edge_bundles.generation
          + case when edge_bundles.content_hash = excluded.content_hash then 0 else 1 end,
        content_hash = excluded.content_hash,
        content = excluded.content,
        single_path_hash = null
      where edge_bundles.revision <= excluded.revision`;
  }

  /** The same for edges whose content stays what it is; false when that of one is another, or is not there. */
  async keepDesired(
    sql: SqlExecutor,
    tenantId: string,
    revision: number,
    contents: ReadonlyMap<string, Buffer>,
  ): Promise<boolean> {
    if (contents.size === 0) return true;
    const hashes = [...contents.values()].map((hash) => hash.toString('hex'));
    const rows = await sql`
      update edge_bundles b set revision = greatest(b.revision, ${revision})
      from unnest(${[...contents.keys()]}::uuid[], ${hashes}::text[]) as kept (edge_id, hash)
      where b.tenant_id = ${tenantId} and b.edge_id = kept.edge_id and encode(b.content_hash, 'hex') = kept.hash
      returning b.edge_id`;
    return rows.length === contents.size;
  }

  /** Forgets edges that the revision does not hold. */
  async retainOnly(sql: SqlExecutor, tenantId: string, revision: number, edgeIds: readonly string[]): Promise<void> {
    await sql`
      delete from edge_bundles
      where tenant_id = ${tenantId} and revision <= ${revision} and edge_id <> all (${[...edgeIds]}::uuid[])`;
  }

  /**
   * What each edge is to run, and runs. What `known` has, by the hash of its content in hexadecimal, is not read again. Decoding a large
   * bundle takes milliseconds: between two whatever else waits has its turn.
   */
  async assignments(
    sql: SqlExecutor,
    tenantId: string,
    known: ReadonlyMap<string, DecodedBundle> = new Map(),
  ): Promise<readonly EdgeAssignment[]> {
    const hashes = [...known.keys()];
    const rows = await sql<AssignmentRow[]>`
      select tenant_id, edge_id, revision, generation, content_hash,
        case when encode(content_hash, 'hex') <> all (${hashes}::text[]) then content end as content,
        applied_revision, applied_generation, applied_hash,
        case when applied_hash <> content_hash and encode(applied_hash, 'hex') <> all (${hashes}::text[])
          then applied_content end as applied_content,
        rejected_hash, rejection_path, rejection_rule, rejection_reason,
        (select max(number) from revisions r
          where r.tenant_id = ${tenantId} and r.agreed_removals <> '{}' and b.edge_id = any (r.agreed_removals)) as removal_agreed_by
      from edge_bundles b where tenant_id = ${tenantId} order by edge_id`;
    const bundles = new DecodedBundles(known);
    const assignments: EdgeAssignment[] = [];
    for (const row of rows) {
      assignments.push(assignmentOf(row, bundles));
      if (bundles.takeDecoded() > 0) await setImmediate();
    }
    return assignments;
  }

  /** Bundles that edges have refused for what is missing in them are tried again once an operator has agreed to that. */
  async forgetAgreedRefusals(sql: SqlExecutor, tenantId: string): Promise<void> {
    await sql`
      update edge_bundles b set
        rejected_hash = null, rejection_path = null, rejection_rule = null, rejection_reason = null, rejected_at = null
      where tenant_id = ${tenantId} and rejection_rule = ${MASS_REMOVAL} and exists (
        select from revisions r
        where r.tenant_id = ${tenantId} and r.agreed_removals <> '{}' and b.edge_id = any (r.agreed_removals)
          and r.published_at >= b.rejected_at)`;
  }

  /** Tenants with desired bundles. */
  async tenants(sql: SqlExecutor): Promise<readonly string[]> {
    const rows = await sql<{ tenantId: string }[]>`select distinct tenant_id from edge_bundles order by tenant_id`;
    return rows.map((row) => row.tenantId);
  }

  async recordApplied(
    sql: SqlExecutor,
    edge: { readonly tenantId: string; readonly edgeId: string },
    applied: DesiredBundle,
  ): Promise<void> {
    await sql`
      update edge_bundles set
        applied_revision = ${applied.revision}, applied_generation = ${String(applied.generation)}::bigint,
        applied_hash = ${applied.hash}, applied_content = ${applied.octets}, applied_at = now(),
        applied_from_hash = ${applied.storedHash ?? null},
        rejected_hash = null, rejection_path = null, rejection_rule = null, rejection_reason = null, rejected_at = null
      where tenant_id = ${edge.tenantId} and edge_id = ${edge.edgeId}`;
  }

  async recordRejection(
    sql: SqlExecutor,
    edge: { readonly tenantId: string; readonly edgeId: string },
    rejection: RecordedRejection,
  ): Promise<void> {
    await sql`
      update edge_bundles set
        rejected_hash = ${rejection.hash}, rejection_path = ${rejection.path}, rejection_rule = ${rejection.rule},
        rejection_reason = ${rejection.reason}, rejected_at = now()
      where tenant_id = ${edge.tenantId} and edge_id = ${edge.edgeId}`;
  }

  /** Raises the generation of the desired bundle above one that the edge has seen (after a restored backup). */
  async raiseGeneration(
    sql: SqlExecutor,
    edge: { readonly tenantId: string; readonly edgeId: string },
    above: bigint,
  ): Promise<void> {
    await sql`
      update edge_bundles set generation = ${String(above)}::bigint + 1
      where tenant_id = ${edge.tenantId} and edge_id = ${edge.edgeId} and generation <= ${String(above)}::bigint`;
  }

  /** Which of the certificates (by serial) are in force. Those of deleted edges are not. */
  async certificatesInForce(sql: SqlExecutor, serials: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await sql<{ serial: string }[]>`
      select serial from certificates where serial = any (${[...serials]}::text[]) and revoked_at is null`;
    return new Set(rows.map((row) => row.serial));
  }
}

interface AssignmentRow {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly revision: number;
  readonly generation: bigint;
  readonly contentHash: Buffer;
  /** Null when it is known. */
  readonly content: Buffer | null;
  readonly appliedRevision: number | null;
  readonly appliedGeneration: bigint | null;
  readonly appliedHash: Buffer | null;
  /** Null when it is known, too, or the same. */
  readonly appliedContent: Buffer | null;
  readonly rejectedHash: Buffer | null;
  readonly rejectionPath: string | null;
  readonly rejectionRule: string | null;
  readonly rejectionReason: string | null;
  readonly removalAgreedBy: number | null;
}

function assignmentOf(row: AssignmentRow, bundles: DecodedBundles): EdgeAssignment {
  const { octets, bundle } = bundles.of(row.contentHash, row.content ?? undefined);
  return {
    tenantId: row.tenantId,
    edgeId: row.edgeId,
    desired: {
      revision: row.revision,
      generation: row.generation,
      hash: row.contentHash,
      octets,
      bundle,
    },
    applied: appliedOf(row, bundles),
    rejection: rejectionOf(row),
    removalAgreedBy: row.removalAgreedBy ?? undefined,
  };
}

function appliedOf(row: AssignmentRow, bundles: DecodedBundles): AppliedBundle | undefined {
  const { appliedRevision, appliedGeneration, appliedHash, appliedContent } = row;
  if (appliedRevision === null || appliedGeneration === null || appliedHash === null) return undefined;
  const { bundle } = bundles.of(appliedHash, appliedContent ?? undefined);
  return { revision: appliedRevision, generation: appliedGeneration, hash: appliedHash, bundle };
}

function rejectionOf(row: AssignmentRow): RecordedRejection | undefined {
  const { rejectedHash, rejectionPath, rejectionRule, rejectionReason } = row;
  if (rejectedHash === null || rejectionPath === null || rejectionRule === null || rejectionReason === null) {
    return undefined;
  }
  return { hash: rejectedHash, path: rejectionPath, rule: rejectionRule, reason: rejectionReason };
}

/** The rule by which edges refuse to lose too much. */
export const MASS_REMOVAL = 'mass_removal';
/** Four times what one enrollment may have in force; an edge accepts as many. */
const REVOKED_SERIALS_MAXIMUM = 1024;
/** First key of the advisory locks of this table; any number that nobody else uses. */
const LOCK_CLASS = 0x77656674;

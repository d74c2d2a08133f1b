import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../platform/database/connection-options.js';

/** What a token that is presented turns out to be. */
export type TokenState = 'used' | 'replaced' | 'expired' | 'unknown';

export interface ClaimedToken {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly edgeName: string;
}

/** Rows of enrollment_tokens. Every method runs on the executor it is given. */
@Injectable()
export class EnrollmentTokensRepository {
  /** Adds a token and replaces the edge's unused ones; returns when it expires. Undefined when there is no such edge. */
  async add(
    sql: SqlExecutor,
    tenantId: string,
    edgeId: string,
    hash: Buffer,
    seconds: number,
  ): Promise<Date | undefined> {
    // Edge before tokens, the order in which its deletion locks them, too.
    const edges = await sql`
      select 1 from edges where tenant_id = ${tenantId} and id = ${edgeId} for no key update`;
    if (edges.length === 0) return undefined;
    await sql`
      update enrollment_tokens set replaced_at = now()
      where tenant_id = ${tenantId} and edge_id = ${edgeId} and used_at is null and replaced_at is null`;
    await sql`
      delete from enrollment_tokens
      where tenant_id = ${tenantId} and edge_id = ${edgeId} and expires_at < now() - ${REMEMBERED}::interval`;
    const [row] = await sql<{ expiresAt: Date }[]>`
      insert into enrollment_tokens (token_hash, tenant_id, edge_id, expires_at)
      values (${hash}, ${tenantId}, ${edgeId}, now() + make_interval(secs => ${seconds}))
      returning expires_at`;
    return row?.expiresAt;
  }

  /**
   * Uses a token up. One statement decides: of two transactions with the same token one gets the row, the other
   * waits for it to end and then sees a used token. Undefined when it cannot be used.
   */
  async claim(sql: SqlExecutor, hash: Buffer): Promise<ClaimedToken | undefined> {
    await sql`
      select 1 from edges
      where (tenant_id, id) in (select tenant_id, edge_id from enrollment_tokens where token_hash = ${hash})
      for no key update`;
    const [row] = await sql<ClaimedToken[]>`
      update enrollment_tokens as token set used_at = now()
      from edges as edge
      where token.token_hash = ${hash} and token.used_at is null and token.replaced_at is null
        and token.expires_at > now() and edge.tenant_id = token.tenant_id and edge.id = token.edge_id
      returning token.tenant_id, token.edge_id, edge.name as edge_name`;
    return row;
  }

  /** Why claim() found nothing. */
  async state(sql: SqlExecutor, hash: Buffer): Promise<TokenState> {
    const [row] = await sql<{ state: TokenState }[]>`
      select case when used_at is not null then 'used' when replaced_at is not null then 'replaced' else 'expired' end
        as state
      from enrollment_tokens where token_hash = ${hash}`;
    return row?.state ?? 'unknown';
  }

  /** Says what a claimed token was used for. */
  async recordUse(
    sql: SqlExecutor,
    hash: Buffer,
    use: { readonly serial: string; readonly agentVersion: string; readonly hostName: string },
  ): Promise<void> {
    await sql`
      update enrollment_tokens
      set certificate_serial = ${use.serial}, agent_version = ${use.agentVersion}, host_name = ${use.hostName}
      where token_hash = ${hash}`;
  }
}

/** How long a token that ran out is known as such instead of as unknown. */
const REMEMBERED = '30 days';

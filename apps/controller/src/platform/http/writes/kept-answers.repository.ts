import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../database/connection-options.js';
import type { IdempotencyKey } from './idempotency-key.js';

/** Whose keys these are: the same key of another user, or in another tenant, is another key. */
export interface KeyOwner {
  readonly tenantId: string;
  readonly userId: string;
}

/** What came of a request with a key. */
export interface KeptAnswer {
  readonly fingerprint: Buffer;
  readonly etag: string | null;
  /** JSON; null when it is not kept. */
  readonly answer: string | null;
}

@Injectable()
export class KeptAnswersRepository {
  async find(sql: SqlExecutor, owner: KeyOwner, key: IdempotencyKey): Promise<KeptAnswer | undefined> {
    const [row] = await sql<KeptAnswer[]>`
      select fingerprint, etag, answer from idempotency_keys
      where tenant_id = ${owner.tenantId} and user_id = ${owner.userId} and key_hash = ${key.hash}
        and created_at > now() - ${KEPT_FOR}::interval`;
    return row;
  }

  /** False when another transaction, on whichever controller, works on a request with this key. Until the end of this one. */
  async lock(sql: SqlExecutor, owner: KeyOwner, key: IdempotencyKey): Promise<boolean> {
    const name = Buffer.concat([Buffer.from(`${owner.tenantId}/${owner.userId}/`), key.hash]);
    const [row] = await sql<{ locked: boolean }[]>`
      select pg_try_advisory_xact_lock(('x' || left(encode(sha256(${name}), 'hex'), 16))::bit(64)::bigint) as locked`;
    return row?.locked === true;
  }

  /** Bounded in age and number: the oldest go. */
  async insert(
    sql: SqlExecutor,
    owner: KeyOwner,
    key: IdempotencyKey,
    { etag, answer }: Omit<KeptAnswer, 'fingerprint'>,
  ): Promise<void> {
    const { tenantId, userId } = owner;
    await sql`
      delete from idempotency_keys where tenant_id = ${tenantId} and user_id = ${userId} and (
        created_at <= now() - ${KEPT_FOR}::interval or key_hash in (
          select key_hash from idempotency_keys where tenant_id = ${tenantId} and user_id = ${userId}
          order by created_at desc, key_hash offset ${KEPT_NUMBER - 1}))`;
    await sql`
      insert into idempotency_keys (tenant_id, user_id, key_hash, fingerprint, etag, answer)
      values (${tenantId}, ${userId}, ${key.hash}, ${key.fingerprint}, ${etag}, ${answer})`;
  }
}

/** A client that has not tried again in a day has given up. */
const KEPT_FOR = '24 hours';
/** Of each user in each tenant. */
export const KEPT_NUMBER = 1000;

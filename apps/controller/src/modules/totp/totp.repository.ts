import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';

export interface TotpFactor {
  readonly sealedSecret: Buffer;
  readonly createdAt: Date;
  readonly confirmedAt: Date | null;
}

@Injectable()
export class TotpRepository {
  async read(sql: SqlExecutor, userId: string): Promise<TotpFactor | undefined> {
    const [factor] = await sql<TotpFactor[]>`
      select sealed_secret, created_at, confirmed_at from totp_factors where user_id = ${userId}`;
    return factor;
  }

  async recoveryCodesLeft(sql: SqlExecutor, userId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from recovery_codes where user_id = ${userId}`;
    return row?.count ?? 0;
  }

  /** Instead of one that waits; false when there is one that is confirmed. */
  async enroll(sql: SqlExecutor, userId: string, sealedSecret: Uint8Array, now: Date): Promise<boolean> {
    const { count } = await sql`
      insert into totp_factors (user_id, sealed_secret, created_at) values (${userId}, ${sealedSecret}, ${now})
      on conflict (user_id) do update
        set sealed_secret = excluded.sealed_secret, created_at = excluded.created_at, last_step = 0
        where totp_factors.confirmed_at is null`;
    return count > 0;
  }

  /** False when another request has confirmed it, or replaced its secret. */
  async confirm(sql: SqlExecutor, userId: string, { sealedSecret }: TotpFactor, now: Date): Promise<boolean> {
    const { count } = await sql`
      update totp_factors set confirmed_at = ${now}
      where user_id = ${userId} and confirmed_at is null and sealed_secret = ${sealedSecret}`;
    return count > 0;
  }

  async addRecoveryCodes(sql: SqlExecutor, userId: string, hashes: readonly Uint8Array[]): Promise<void> {
    for (const hash of hashes) {
      await sql`insert into recovery_codes (user_id, code_hash) values (${userId}, ${hash})`;
    }
  }

  /** False for a step that was taken already, or one before such. Of two that come at once one is taken. */
  async takeStep(sql: SqlExecutor, userId: string, { sealedSecret }: TotpFactor, step: number): Promise<boolean> {
    const { count } = await sql`
      update totp_factors set last_step = ${step}
      where user_id = ${userId} and sealed_secret = ${sealedSecret} and last_step < ${step}`;
    return count > 0;
  }

  /** False for what is none, or was taken already. */
  async takeRecoveryCode(sql: SqlExecutor, userId: string, hash: Uint8Array): Promise<boolean> {
    const { count } = await sql`delete from recovery_codes where user_id = ${userId} and code_hash = ${hash}`;
    return count > 0;
  }

  /** With its recovery codes. False when there is none. */
  async remove(sql: SqlExecutor, userId: string): Promise<boolean> {
    await sql`delete from recovery_codes where user_id = ${userId}`;
    const { count } = await sql`delete from totp_factors where user_id = ${userId}`;
    return count > 0;
  }
}

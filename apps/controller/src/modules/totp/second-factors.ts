import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { tenantScope } from '../../platform/database/database-scope.js';
import type { Account } from '../../platform/http/current-user.decorator.js';

import { SecretBox } from '../../platform/secrets/secret-box.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { LoginThrottle } from '../session/login-throttle.js';
import { tooManyAttempts } from '../session/session.errors.js';
import { hashRecoveryCode } from './recovery-codes.js';
import { codeRequired, wrongCode } from './totp.errors.js';
import { totpStepOf } from './totp.js';
import { type TotpFactor, TotpRepository } from './totp.repository.js';

/** Whether somebody who knows the password of a user has the user's second factor, too. */
@Injectable()
export class SecondFactors {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #repository: TotpRepository;
  readonly #secrets: SecretBox;
  readonly #audit: AuditRepository;
  /** By user: a code has six digits, and three of them are good at a time. */
  readonly #failures = new LoginThrottle(ATTEMPTS, WINDOW_MILLISECONDS, MAXIMUM_KEYS);

  constructor(
    database: Database,
    clock: Clock,
    repository: TotpRepository,
    secrets: SecretBox,
    audit: AuditRepository,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#repository = repository;
    this.#secrets = secrets;
    this.#audit = audit;
  }

  /**
   * Nothing, for a user without a second factor. Otherwise the code is used up. Throws DomainError 'code_required', 'wrong_code',
   * 'too_many_attempts' or 'secret_unreadable'.
   */
  async demand(user: Account, code: string | undefined): Promise<void> {
    const factor = await this.#repository.read(this.#database.sql, user.id);
    if (factor === undefined || factor.confirmedAt === null) return;
    if (code === undefined) throw codeRequired();
    await this.#judged(user, () => this.#take(user, factor, code));
  }

  /** Takes the first code of a factor that waits for it. Throws like `demand`. */
  async demandFirst(user: Account, factor: TotpFactor, code: string): Promise<void> {
    await this.#judged(user, () => this.#takeStep(user, factor, code));
  }

  async #judged(user: Account, take: () => Promise<boolean>): Promise<void> {
    const now = this.#clock.monotonicMilliseconds();
    const wait = this.#failures.waitMilliseconds(user.id, now);
    if (wait > 0) throw tooManyAttempts(Math.ceil(wait / 1000));
    // Before anything is waited for, so that attempts made at the same time count as well.
    this.#failures.failed(user.id, now);
    const taken = await take().catch((error: unknown) => {
      this.#failures.withdrawn(user.id, now);
      throw error;
    });
    if (!taken) {
      await this.#recordRefusal(user);
      throw wrongCode();
    }
    this.#failures.succeeded(user.id);
  }

  async #take(user: Account, factor: TotpFactor, code: string): Promise<boolean> {
    const hash = hashRecoveryCode(code);
    if (hash === undefined) return this.#takeStep(user, factor, code);
    return this.#inTenant(user, async (sql) => {
      if (!(await this.#repository.takeRecoveryCode(sql, user.id, hash))) return false;
      const left = await this.#repository.recoveryCodesLeft(sql, user.id);
      const details = { userId: user.id, userName: user.name, left };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'recovery_code_used', details });
      return true;
    });
  }

  async #takeStep(user: Account, factor: TotpFactor, code: string): Promise<boolean> {
    const secret = this.#secrets.open(totpOwner(user.id), factor.sealedSecret);
    const step = totpStepOf(secret, code, this.#clock.now().getTime());
    secret.fill(0);
    if (step === undefined) return false;
    return this.#inTenant(user, (sql) => this.#repository.takeStep(sql, user.id, factor, step));
  }

  #recordRefusal(user: Account): Promise<void> {
    const details = { userId: user.id, userName: user.name };
    const deed = { actor: user, action: 'second_factor_refused', details } as const;
    return this.#inTenant(user, (sql) => this.#audit.append(sql, user.homeTenantId, deed));
  }

  #inTenant<T>(user: Account, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(tenantScope(user.homeTenantId), () => this.#database.transaction(work));
  }
}

/** What the secret of a user is sealed for. */
export function totpOwner(userId: string): string {
  return `totp ${userId}`;
}

/** 480 guesses a day at most, each good with 3 in 10^6: for who knows the password, one in 700 days to get in. */
const ATTEMPTS = 5;
const WINDOW_MILLISECONDS = 15 * 60_000;
const MAXIMUM_KEYS = 10_000;

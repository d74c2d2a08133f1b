import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { tenantScope } from '../../platform/database/database-scope.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { SessionService } from '../session/session.service.js';
import { base32 } from './base32.js';
import { hashRecoveryCode, makeRecoveryCodes } from './recovery-codes.js';
import { SecondFactors, totpOwner } from './second-factors.js';
import type { ConfirmTotp, EnrollTotp, NewTotp, RecoveryCodes, RemoveTotp, Totp } from './totp.dto.js';
import { codeRefused, totpAbsent, totpPresent } from './totp.errors.js';
import { otpauthUri, TOTP_SECRET_OCTETS } from './totp.js';
import { TotpRepository } from './totp.repository.js';

/** The own second factor: made, confirmed by a first code, and removed. */
@Injectable()
export class TotpService {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #repository: TotpRepository;
  readonly #factors: SecondFactors;
  readonly #secrets: SecretBox;
  readonly #sessions: SessionService;
  readonly #audit: AuditRepository;

  constructor(
    database: Database,
    clock: Clock,
    repository: TotpRepository,
    factors: SecondFactors,
    secrets: SecretBox,
    sessions: SessionService,
    audit: AuditRepository,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#repository = repository;
    this.#factors = factors;
    this.#secrets = secrets;
    this.#sessions = sessions;
    this.#audit = audit;
  }

  async read({ id }: CurrentUser): Promise<Totp> {
    const factor = await this.#repository.read(this.#database.sql, id);
    const recoveryCodesLeft = await this.#repository.recoveryCodesLeft(this.#database.sql, id);
    return { confirmedAt: factor?.confirmedAt?.toISOString() ?? null, recoveryCodesLeft };
  }

  /** Throws DomainError 'wrong_current_password', 'too_many_attempts', 'too_many_logins' or 'totp_present'. */
  async enroll(user: CurrentUser, { currentPassword }: EnrollTotp, address: string): Promise<NewTotp> {
    await this.#sessions.provePassword(user, currentPassword, address);
    const secret = randomBytes(TOTP_SECRET_OCTETS);
    const sealed = this.#secrets.seal(totpOwner(user.id), secret);
    const enrolled = await this.#repository.enroll(this.#database.sql, user.id, sealed, this.#clock.now());
    if (!enrolled) throw totpPresent();
    return { secret: base32(secret), uri: otpauthUri(secret, user.name, ISSUER) };
  }

  /** From now on a code is asked for. Throws DomainError 'totp_absent', 'wrong_code' or 'too_many_attempts'. */
  async confirm(user: CurrentUser, { code }: ConfirmTotp): Promise<RecoveryCodes> {
    const now = this.#clock.now();
    const factor = await this.#repository.read(this.#database.sql, user.id);
    if (factor === undefined || factor.confirmedAt !== null) throw totpAbsent();
    if (now.getTime() - factor.createdAt.getTime() > PATIENCE_MILLISECONDS) throw totpAbsent();
    await refusingCode(this.#factors.demandFirst(user, factor, code));
    const recoveryCodes = makeRecoveryCodes();
    await this.#inTenant(user, async (sql) => {
      if (!(await this.#repository.confirm(sql, user.id, factor, now))) throw totpAbsent();
      const hashes = recoveryCodes.flatMap((each) => hashRecoveryCode(each) ?? []);
      await this.#repository.addRecoveryCodes(sql, user.id, hashes);
      const details = { userId: user.id, userName: user.name };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'totp_enrolled', details });
    });
    return { recoveryCodes };
  }

  /** Throws DomainError 'wrong_current_password', 'wrong_code', 'too_many_attempts', 'too_many_logins' or 'totp_absent'. */
  async remove(user: CurrentUser, { currentPassword, code }: RemoveTotp, address: string): Promise<void> {
    await this.#sessions.provePassword(user, currentPassword, address);
    await refusingCode(this.#factors.demand(user, code));
    await this.#inTenant(user, async (sql) => {
      if (!(await this.#repository.remove(sql, user.id))) throw totpAbsent();
      const details = { userId: user.id, userName: user.name };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'totp_removed', details });
    });
  }

  #inTenant<T>(user: CurrentUser, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(tenantScope(user.homeTenantId), () => this.#database.transaction(work));
  }
}

/** Whoever is logged in is told at the field, and stays logged in. */
async function refusingCode(attempt: Promise<void>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    throw error instanceof DomainError && error.code === 'wrong_code' ? codeRefused() : error;
  }
}

/** What authenticators show above the code. */
const ISSUER = 'Weft';
/** For the first code, from when the secret was shown. */
const PATIENCE_MILLISECONDS = 15 * 60_000;

import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { personScope, tenantScope } from '../../platform/database/database-scope.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { Account, CurrentUser } from '../../platform/http/current-user.decorator.js';
import { DomainError, notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { loginRequired } from '../access/access.errors.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { BREAK_GLASS_NAME, BreakGlass } from '../break-glass/break-glass.js';
import { refusing } from '../constraint-violation.js';
import { SecondFactors } from '../totp/second-factors.js';
import { LoginThrottle } from './login-throttle.js';
import { Passwords } from './passwords.js';
import type { ChangePassword, Credentials, OwnSession, Session } from './session.dto.js';
import { noPassword, tooManyAttempts, wrongCredentials, wrongCurrentPassword } from './session.errors.js';
import { type SessionOrigin, SessionsRepository } from './sessions.repository.js';

/** A session with the secret that the browser gets. */
export interface BegunSession {
  readonly secret: string;
  readonly session: Session;
}

/** Who is logged in. The secret of a session is with the browser only; here is its SHA-256. */
@Injectable()
export class SessionService {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #repository: SessionsRepository;
  readonly #passwords: Passwords;
  readonly #audit: AuditRepository;
  readonly #secondFactors: SecondFactors;
  readonly #breakGlass: BreakGlass;
  readonly #byAddress = new LoginThrottle(ATTEMPTS_PER_ADDRESS, WINDOW_MILLISECONDS, MAXIMUM_KEYS);
  readonly #byName = new LoginThrottle(ATTEMPTS_PER_NAME, WINDOW_MILLISECONDS, MAXIMUM_KEYS);

  constructor(
    database: Database,
    clock: Clock,
    repository: SessionsRepository,
    passwords: Passwords,
    audit: AuditRepository,
    secondFactors: SecondFactors,
    breakGlass: BreakGlass,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#repository = repository;
    this.#passwords = passwords;
    this.#audit = audit;
    this.#secondFactors = secondFactors;
    this.#breakGlass = breakGlass;
  }

  /**
   * Throws DomainError 'wrong_credentials', 'too_many_attempts', 'too_many_logins', and for a user with a second factor
   * 'code_required', 'wrong_code' or 'secret_unreadable'.
   */
  async logIn(credentials: Credentials, origin: SessionOrigin): Promise<BegunSession> {
    const { address } = origin;
    this.#refuseWhenThrottled(credentials.userName, address);
    const withdraw = this.#count(credentials.userName, address);
    const rescuer = await this.#rescuer(credentials, origin).catch((error: unknown) => {
      withdraw();
      throw error;
    });
    if (rescuer !== undefined) return this.#comeIn(rescuer, origin, true);
    const user = await this.#repository
      .accountByName(this.#database.sql, credentials.userName)
      .catch((error: unknown) => {
        withdraw();
        throw error;
      });
    if (!(await this.#passwords.verify(user?.passwordHash ?? undefined, credentials.password)) || user === undefined) {
      throw wrongCredentials();
    }
    await this.#secondFactors.demand(user, credentials.code).catch((error: unknown) => {
      // No failure: nobody has given a code yet, or it could not be judged.
      if (!(error instanceof DomainError && error.code === 'wrong_code')) withdraw();
      throw error;
    });
    return this.#comeIn(user, origin, false);
  }

  /** For who has proven elsewhere who they are. Its secret, which is new: nobody can have known it before. */
  beginFor(user: Account, origin: SessionOrigin): Promise<string> {
    return this.#begin(user, origin, false);
  }

  /**
   * The session goes on in another tenant, under a new secret: what was sent with the one before is refused. Throws DomainError
   * 'unknown_tenant', also for a tenant that the user may not enter, or 'login_required'.
   */
  async enter(
    user: CurrentUser,
    tenantId: string,
    secret: string,
    { address, userAgent }: SessionOrigin,
  ): Promise<BegunSession> {
    const next = makeSecret();
    const store = async (sql: SqlExecutor) => {
      const change = { tenantId, newSecretHash: hashOf(next) };
      if (!(await this.#repository.enter(sql, hashOf(secret), change))) throw loginRequired();
      await this.#audit.append(sql, tenantId, {
        actor: user,
        action: 'tenant_entered',
        details: { address, userAgent },
      });
    };
    const scope = personScope(user.id, { tenantId, actor: user.name });
    const unknown = () => notFound('tenant', tenantId);
    await refusing(
      this.#database.within(scope, () => this.#database.transaction(store)),
      { http_sessions_tenant: unknown, http_sessions_tenant_id_fkey: unknown },
    );
    return this.#begun(next);
  }

  /** Own sessions; `secret` is that of the one that asks. */
  async list(user: CurrentUser, secret: string, page: PageRequest): Promise<Page<OwnSession>> {
    const now = this.#clock.now();
    const items = await this.#repository.list(this.#database.sql, user.id, hashOf(secret), now, page);
    return pageOf(page, { items, keyOf: ({ createdAt, id }) => [createdAt, id] });
  }

  /** Throws DomainError 'unknown_session'. */
  async end(user: CurrentUser, sessionId: string): Promise<void> {
    if (!(await this.#repository.end(this.#database.sql, user.id, sessionId))) throw notFound('session', sessionId);
  }

  /**
   * All sessions but the one with this secret end. Throws DomainError 'no_password', 'wrong_current_password', 'too_many_attempts'
   * or 'too_many_logins'.
   */
  async changePassword(user: CurrentUser, change: ChangePassword, secret: string, address: string): Promise<void> {
    const before = await this.provePassword(user, change.currentPassword, address);
    const passwordHash = await this.#passwords.hash(change.newPassword);
    const store = async (sql: SqlExecutor) => {
      if (!(await this.#repository.changePassword(sql, user.id, before, passwordHash))) throw wrongCurrentPassword();
      await this.#repository.removeOthers(sql, user.id, hashOf(secret));
      const details = { userId: user.id, userName: user.name };
      await this.#audit.append(sql, user.homeTenantId, { actor: user, action: 'password_changed', details });
    };
    await this.#database.within(tenantScope(user.homeTenantId), () => this.#database.transaction(store));
  }

  /**
   * Whoever has a session does what would outlive it with the password, too. Returns its hash. Throws DomainError
   * 'wrong_current_password', 'too_many_attempts' or 'too_many_logins'.
   */
  async provePassword(user: CurrentUser, password: string, address: string): Promise<string> {
    if (user.oidc) throw noPassword();
    this.#refuseWhenThrottled(user.name, address);
    const withdraw = this.#count(user.name, address);
    const hash = await this.#repository.passwordHash(this.#database.sql, user.id).catch((error: unknown) => {
      withdraw();
      throw error;
    });
    if (hash === null || hash === undefined || !(await this.#passwords.verify(hash, password))) {
      throw wrongCurrentPassword();
    }
    withdraw();
    return hash;
  }

  async logOut(secret: string | undefined): Promise<void> {
    if (secret !== undefined) await this.#repository.remove(this.#database.sql, hashOf(secret));
  }

  /** Whose session this is; undefined when it is unknown or has ended. */
  userOf(secret: string): Promise<CurrentUser | undefined> {
    return this.#repository.userBySession(this.#database.sql, hashOf(secret), this.#clock.now());
  }

  /** Who proves to have the controller's host; undefined for everybody else. */
  async #rescuer({ userName, password }: Credentials, origin: SessionOrigin): Promise<Account | undefined> {
    return userName === BREAK_GLASS_NAME ? this.#breakGlass.redeem(password, origin) : undefined;
  }

  async #comeIn(user: Account, origin: SessionOrigin, breakGlass: boolean): Promise<BegunSession> {
    this.#byAddress.succeeded(origin.address);
    this.#byName.succeeded(breakGlass ? BREAK_GLASS_NAME : user.name);
    return this.#begun(await this.#begin(user, origin, breakGlass));
  }

  /** Throws DomainError 'login_required' when the user is gone again. */
  async #begun(secret: string): Promise<BegunSession> {
    const user = await this.userOf(secret);
    if (user === undefined) throw loginRequired();
    return { secret, session: sessionOf(user) };
  }

  /** Its secret. The tenant in force is the only one that the user is a member of; who has several enters one. */
  async #begin(user: Account, origin: SessionOrigin, breakGlass: boolean): Promise<string> {
    const secret = makeSecret();
    const createdAt = this.#clock.now();
    const life = breakGlass ? BREAK_GLASS_SESSION_MILLISECONDS : SESSION_MILLISECONDS;
    const expiresAt = new Date(createdAt.getTime() + life);
    const session = { secretHash: hashOf(secret), userId: user.id, createdAt, expiresAt, breakGlass, ...origin };
    await this.#repository.removeExpired(this.#database.sql, createdAt);
    await this.#repository.insert(this.#database.sql, session);
    await this.#repository.removeOldest(this.#database.sql, user.id, SESSIONS_MAXIMUM);
    return secret;
  }

  #refuseWhenThrottled(name: string, address: string): void {
    const now = this.#clock.monotonicMilliseconds();
    const wait = Math.max(this.#byAddress.waitMilliseconds(address, now), this.#byName.waitMilliseconds(name, now));
    if (wait > 0) throw tooManyAttempts(Math.ceil(wait / 1000));
  }

  /**
   * Before anything is waited for, so that attempts made at the same time count as well. Returns what takes it back: an
   * attempt that nobody could judge is no failure.
   */
  #count(name: string, address: string): () => void {
    const now = this.#clock.monotonicMilliseconds();
    this.#byAddress.failed(address, now);
    this.#byName.failed(name, now);
    return () => {
      this.#byAddress.withdrawn(address, now);
      this.#byName.withdrawn(name, now);
    };
  }
}

/** What a user is told about themselves. */
export function sessionOf({ name, tenantId, role, providerRole, oidc, breakGlass = false }: CurrentUser): Session {
  return { userName: name, tenantId, role, providerRole, oidc, breakGlass };
}

function makeSecret(): string {
  return randomBytes(SECRET_OCTETS).toString('base64url');
}

/** No salt: the secret is 256 random bits. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

const SECRET_OCTETS = 32;
const SESSION_MILLISECONDS = 12 * 60 * 60 * 1000;
const BREAK_GLASS_SESSION_MILLISECONDS = 30 * 60 * 1000;
/** Of each user: whoever logs in again and again fills no table, and ends the oldest. */
const SESSIONS_MAXIMUM = 50;
const ATTEMPTS_PER_ADDRESS = 10;
/** More than for an address: one address cannot lock a user out. */
const ATTEMPTS_PER_NAME = 30;
const WINDOW_MILLISECONDS = 60_000;
const MAXIMUM_KEYS = 10_000;

import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { greaterRole, lesserRole, type Role } from '../../platform/http/role.js';
import { AttemptLimiter } from '../../platform/limits/attempt-limiter.js';
import { hashApiTokenSecret, parseApiToken } from './api-token-text.js';
import { invalidToken, tooManyRequests } from './api-tokens.errors.js';
import { ApiTokensRepository, type TokenHolder } from './api-tokens.repository.js';

/** Who it is that presents a token. */
@Injectable()
export class TokenHolders {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #repository: ApiTokensRepository;
  /** By token. */
  readonly #requests = new AttemptLimiter({ burst: 200, intervalMilliseconds: 20, capacity: 10_000 });
  /** By address: what is no token of ours, or is none any more. */
  readonly #failures = new AttemptLimiter({ burst: 30, intervalMilliseconds: 2_000, capacity: 10_000 });

  constructor(database: Database, clock: Clock, repository: ApiTokensRepository) {
    this.#database = database;
    this.#clock = clock;
    this.#repository = repository;
  }

  /**
   * The maker of the token, in its tenant alone and with no more than both may. Throws DomainError 'invalid_token' or
   * 'too_many_requests'.
   */
  async userOf(text: string, address: string): Promise<CurrentUser> {
    const now = this.#clock.now();
    const secret = parseApiToken(text);
    const holder = secret && (await this.#repository.holder(this.#database.sql, hashApiTokenSecret(secret), now));
    const role = holder && roleOf(holder);
    if (holder === undefined || role === undefined || role === null) throw this.#refusal(address);
    const wait = this.#requests.attempt(holder.tokenId, this.#clock.monotonicMilliseconds());
    if (wait > 0) throw tooManyRequests(wait);
    await this.#repository.used(this.#database.sql, holder.tokenId, now);
    return {
      id: holder.userId,
      name: holder.userName,
      homeTenantId: holder.userHomeTenantId,
      tenantId: holder.tenantId,
      role,
      providerRole: null,
      oidc: holder.userOidc,
      apiToken: { id: holder.tokenId, name: holder.tokenName },
    };
  }

  /** A good token is never kept waiting by the bad ones of its neighbours: 256 random bits are not guessed. */
  #refusal(address: string): Error {
    const wait = this.#failures.attempt(address, this.#clock.monotonicMilliseconds());
    return wait > 0 ? tooManyRequests(wait) : invalidToken();
  }
}

/** The lesser of what the token may and what its maker may now; null when its maker may not even enter any more. */
function roleOf({ tokenRole, userRole, userProviderRole }: TokenHolder): Role | null {
  const ofMaker = greaterRole(userRole, userProviderRole);
  return ofMaker && lesserRole(tokenRole, ofMaker);
}

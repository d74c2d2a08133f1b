import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { isAtLeast, type Role } from '../../platform/http/role.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { TenantsService } from '../tenants/tenants.service.js';
import type { ApiToken, CreateApiToken, NewApiToken } from './api-token.dto.js';
import { API_TOKEN_SECRET_OCTETS, formatApiToken, hashApiTokenSecret } from './api-token-text.js';
import { roleOfMakerExceeded, tokenNameTaken, tooManyTokens } from './api-tokens.errors.js';
import { ApiTokensRepository } from './api-tokens.repository.js';

/** Tokens as people make, see and revoke them. Users see their own; admins of the tenant all. */
@Injectable()
export class ApiTokensService {
  readonly #database: Database;
  readonly #repository: ApiTokensRepository;
  readonly #tenants: TenantsService;
  readonly #audit: AuditRepository;

  constructor(database: Database, repository: ApiTokensRepository, tenants: TenantsService, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
    this.#audit = audit;
  }

  async list(tenantId: string, user: CurrentUser, page: PageRequest): Promise<Page<ApiToken>> {
    const whose = await this.#whose(tenantId, user);
    const items = await this.#repository.list(this.#database.sql, tenantId, whose, page);
    return pageOf(page, { items, keyOf: ({ userName, name, id }) => [userName, name, id] });
  }

  /** Throws DomainError 'role_exceeded', 'name_taken' or 'too_many_tokens'. */
  async create(tenantId: string, actor: CurrentUser, request: CreateApiToken): Promise<NewApiToken> {
    const { name, role, lifetimeDays } = request;
    const own = await this.#roleIn(tenantId, actor);
    if (!isAtLeast(own, role)) throw roleOfMakerExceeded(own);
    const secret = randomBytes(API_TOKEN_SECRET_OCTETS);
    const id = randomUUID();
    const store = this.#database.transaction(async (sql) => {
      if ((await this.#repository.count(sql, tenantId, actor.id)) >= TOKENS_MAXIMUM)
        throw tooManyTokens(TOKENS_MAXIMUM);
      const token = { id, tenantId, userId: actor.id, userName: actor.name, name, role, lifetimeDays };
      await this.#repository.insert(sql, token, hashApiTokenSecret(secret));
      const details = { tokenId: id, tokenName: name, role, lifetimeDays };
      await this.#audit.append(sql, tenantId, { actor, action: 'api_token_created', details });
      return this.#repository.list(sql, tenantId, actor.id);
    });
    const tokens = await refusing(store, { api_tokens_name_key: () => tokenNameTaken(name) });
    const made = tokens.find((token) => token.id === id);
    if (made === undefined) throw new Error('a token that was made is not there');
    return { ...made, token: formatApiToken(secret) };
  }

  /** In force with the next request. Throws DomainError 'unknown_api_token'. */
  async revoke(tenantId: string, actor: CurrentUser, tokenId: string): Promise<void> {
    const whose = await this.#whose(tenantId, actor);
    await this.#database.transaction(async (sql) => {
      const token = await this.#repository.remove(sql, tenantId, tokenId, whose);
      if (token === undefined) throw notFound('api_token', tokenId);
      const details = { tokenId, tokenName: token.name, userName: token.userName };
      await this.#audit.append(sql, tenantId, { actor, action: 'api_token_revoked', details });
    });
  }

  /** Null: everybody's. */
  async #whose(tenantId: string, user: CurrentUser): Promise<string | null> {
    return (await this.#roleIn(tenantId, user)) === 'admin' ? null : user.id;
  }

  async #roleIn(tenantId: string, user: CurrentUser): Promise<Role> {
    const role = await this.#tenants.roleIn(user, tenantId);
    if (role === null) throw notFound('tenant', tenantId);
    return role;
  }
}

/** Of each user in each tenant, so that nobody fills the table. */
export const TOKENS_MAXIMUM = 50;

import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { personScope } from '../../platform/database/database-scope.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import type { Membership } from './member.dto.js';
import { MembersRepository } from './members.repository.js';

/** Where a person may go, as the person sees it. */
@Injectable()
export class OwnMemberships {
  readonly #database: Database;
  readonly #repository: MembersRepository;

  constructor(database: Database, repository: MembersRepository) {
    this.#database = database;
    this.#repository = repository;
  }

  async list({ id }: CurrentUser, page: PageRequest): Promise<Page<Membership>> {
    const read = () => this.#repository.memberships(this.#database.sql, id, page);
    const items = await this.#database.within(personScope(id), read);
    return pageOf(page, { items, keyOf: ({ tenantName, tenantId }) => [tenantName, tenantId] });
  }
}

import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { personScope } from '../../platform/database/database-scope.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
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

  list({ id }: CurrentUser): Promise<Membership[]> {
    return this.#database.within(personScope(id), () => this.#repository.memberships(this.#database.sql, id));
  }
}

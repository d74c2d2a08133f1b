import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import { personScope } from '../../platform/database/database-scope.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import type { OwnInvitation } from './invitation.dto.js';
import { ownMembershipAlready } from './invitations.errors.js';
import { InvitationsRepository } from './invitations.repository.js';

/** Invitations as the person sees and answers them who is invited. */
@Injectable()
export class OwnInvitations {
  readonly #database: Database;
  readonly #repository: InvitationsRepository;
  readonly #audit: AuditRepository;

  constructor(database: Database, repository: InvitationsRepository, audit: AuditRepository) {
    this.#database = database;
    this.#repository = repository;
    this.#audit = audit;
  }

  async list({ id }: CurrentUser, page: PageRequest): Promise<Page<OwnInvitation>> {
    const items = await this.#database.within(personScope(id), () => this.#repository.own(this.#database.sql, page));
    return pageOf(page, { items, keyOf: ({ tenantName, id: invitationId }) => [tenantName, invitationId] });
  }

  /** The session stays in its tenant. Throws DomainError 'unknown_invitation' or 'member_already'. */
  async accept(user: CurrentUser, invitationId: string): Promise<void> {
    const invitation = await this.#read(user, invitationId);
    const { tenantId, role, invitedBy } = invitation;
    const store = this.#inTenant(user, tenantId, async (sql) => {
      await this.#repository.join(sql, invitation, user);
      const details = { invitationId, userId: user.id, userName: user.name, role, invitedBy };
      await this.#audit.append(sql, tenantId, { actor: user, action: 'invitation_accepted', details });
    });
    await refusing(store, {
      tenant_members_invitation: () => notFound('invitation', invitationId),
      tenant_members_pkey: ownMembershipAlready,
    });
  }

  /** Throws DomainError 'unknown_invitation'. */
  async decline(user: CurrentUser, invitationId: string): Promise<void> {
    const { tenantId } = await this.#read(user, invitationId);
    await this.#inTenant(user, tenantId, async (sql) => {
      const userName = await this.#repository.remove(sql, tenantId, invitationId);
      if (userName === undefined) throw notFound('invitation', invitationId);
      const details = { invitationId, userName };
      await this.#audit.append(sql, tenantId, { actor: user, action: 'invitation_declined', details });
    });
  }

  async #read(user: CurrentUser, invitationId: string): Promise<OwnInvitation> {
    const read = () => this.#repository.own(this.#database.sql, undefined, invitationId);
    const [invitation] = await this.#database.within(personScope(user.id), read);
    if (invitation === undefined) throw notFound('invitation', invitationId);
    return invitation;
  }

  #inTenant<T>({ id, name }: CurrentUser, tenantId: string, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    const scope = personScope(id, { tenantId, actor: name });
    return this.#database.within(scope, () => this.#database.transaction(work));
  }
}

import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { MembersRepository } from '../members/members.repository.js';
import type { CreateInvitation, Invitation } from './invitation.dto.js';
import { invitedAlready, memberAlready, tooManyInvitations } from './invitations.errors.js';
import { InvitationsRepository } from './invitations.repository.js';

/** Invitations as the admins of a tenant make and withdraw them. Whether there is somebody by that name is told to nobody. */
@Injectable()
export class InvitationsService {
  readonly #database: Database;
  readonly #repository: InvitationsRepository;
  readonly #members: MembersRepository;
  readonly #audit: AuditRepository;

  constructor(
    database: Database,
    repository: InvitationsRepository,
    members: MembersRepository,
    audit: AuditRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#members = members;
    this.#audit = audit;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Invitation>> {
    const items = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageOf(page, { items, keyOf: ({ userName, id }) => [userName, id] });
  }

  /** Throws DomainError 'member_already', 'invited_already' or 'too_many_invitations'. */
  async create(tenantId: string, actor: CurrentUser, request: CreateInvitation): Promise<Invitation> {
    const { userName, role, lifetimeDays } = request;
    const store = this.#database.transaction(async (sql) => {
      const waiting = await this.#repository.count(sql, tenantId);
      const members = await this.#members.list(sql, tenantId);
      if (members.some((member) => member.userName === userName)) throw memberAlready(userName);
      if (waiting >= INVITATIONS_MAXIMUM) throw tooManyInvitations(INVITATIONS_MAXIMUM);
      const id = randomUUID();
      const invitation = { id, userName, role, invitedBy: actor.name, lifetimeDays };
      const made = await this.#repository.insert(sql, tenantId, invitation);
      const details = { invitationId: id, userName, role, lifetimeDays };
      await this.#audit.append(sql, tenantId, { actor, action: 'member_invited', details });
      return made;
    });
    const [made] = await refusing(store, { tenant_invitations_once: () => invitedAlready(userName) });
    if (made === undefined) throw new Error('insert … returning gave no row');
    return made;
  }

  /** Throws DomainError 'unknown_invitation'. */
  async withdraw(tenantId: string, actor: CurrentUser, invitationId: string): Promise<void> {
    await this.#database.transaction(async (sql) => {
      const userName = await this.#repository.remove(sql, tenantId, invitationId);
      if (userName === undefined) throw notFound('invitation', invitationId);
      const details = { invitationId, userName };
      await this.#audit.append(sql, tenantId, { actor, action: 'invitation_withdrawn', details });
    });
  }
}

/** Of each tenant, so that nobody fills the table. */
const INVITATIONS_MAXIMUM = 100;

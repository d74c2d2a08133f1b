import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Distribution } from '../../distribution/distribution.js';
import { EnrollmentTokens, UnknownEdgeError } from '../../enrollment/enrollment-tokens.js';
import { EdgeStates } from '../../observations/edge-states.js';
import { CertificateRegistry } from '../../pki/certificate-registry.js';
import type { EdgeIdentity } from '../../pki/edge-identity.js';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound, refusal } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { InjectLogger } from '../../platform/logging/logger.js';
import { AuditRepository } from '../audit/audit.repository.js';
import { refusing } from '../constraint-violation.js';
import { demandUnchanged } from '../entity-tag.js';
import { nameTaken, unknownSite } from '../resource-names.js';
import { certificateCondition } from './certificate-condition.js';
import type { CreateEdge, Edge, EnrollmentToken, RevokeEdge, UpdateEdge } from './edge.dto.js';
import { preferenceTaken, repeatedUplink } from './edges.errors.js';
import { EdgesRepository, type StoredEdge } from './edges.repository.js';

/** Edges as people want them, with what is known of them now. */
@Injectable()
export class EdgesService {
  readonly #database: Database;
  readonly #repository: EdgesRepository;
  readonly #states: EdgeStates;
  readonly #tokens: EnrollmentTokens;
  readonly #certificates: CertificateRegistry;
  readonly #distribution: Distribution;
  readonly #audit: AuditRepository;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(
    database: Database,
    repository: EdgesRepository,
    states: EdgeStates,
    tokens: EnrollmentTokens,
    certificates: CertificateRegistry,
    distribution: Distribution,
    audit: AuditRepository,
    clock: Clock,
    @InjectLogger() logger: Logger,
  ) {
    this.#certificates = certificates;
    this.#distribution = distribution;
    this.#audit = audit;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'edges' });
    this.#database = database;
    this.#repository = repository;
    this.#states = states;
    this.#tokens = tokens;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<Edge>> {
    const edges = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageByName(
      page,
      edges.map((edge) => this.#edge(edge)),
    );
  }

  read(tenantId: string, edgeId: string): Promise<Edge> {
    return this.#read(this.#database.sql, tenantId, edgeId);
  }

  /** Throws DomainError 'unknown_site', 'name_taken', 'preference_taken' or 'duplicate_endpoint'. */
  async create(tenantId: string, edge: CreateEdge): Promise<Edge> {
    const id = randomUUID();
    await refusing(
      this.#database.transaction((sql) => this.#repository.insert(sql, tenantId, id, edge)),
      {
        edges_site_fkey: () => unknownSite('/siteId', edge.siteId),
        edges_name_key: () => nameTaken('edge', edge.name),
        edges_preference_key: () => preferenceTaken(edge.preference),
        edges_preference_range: () => preferenceTaken(edge.preference),
        edges_other_underlay_addresses_distinct: () => refusal('invalid', repeatedUplink()),
      },
    );
    return this.read(tenantId, id);
  }

  /** Throws DomainError 'unknown_edge', 'edge_changed', 'name_taken', 'preference_taken' or 'duplicate_endpoint'. */
  update(tenantId: string, edgeId: string, ifMatch: string | undefined, change: UpdateEdge): Promise<Edge> {
    const work = this.#database.transaction(async (sql) => {
      await this.#demand(sql, { tenantId, edgeId }, ifMatch);
      await this.#repository.update(sql, tenantId, edgeId, change);
      return this.#read(sql, tenantId, edgeId);
    });
    return refusing(work, {
      edges_name_key: () => nameTaken('edge', change.name ?? ''),
      edges_preference_key: () => preferenceTaken(change.preference),
      edges_other_underlay_addresses_distinct: () => refusal('invalid', repeatedUplink()),
    });
  }

  /** Its certificates go with it, so its session ends. Others stop talking to it with the next revision. Throws as update. */
  remove(tenantId: string, edgeId: string, ifMatch: string | undefined): Promise<void> {
    return this.#database.transaction(async (sql) => {
      await this.#demand(sql, { tenantId, edgeId }, ifMatch);
      await this.#repository.remove(sql, tenantId, edgeId);
    });
  }

  /** In force at once, here and at its peers. An edge that is revoked already stays as it is. Throws DomainError 'unknown_edge' or 'edge_changed'. */
  async revoke(
    { tenantId, edgeId }: EdgeIdentity,
    ifMatch: string | undefined,
    user: CurrentUser,
    { reason }: RevokeEdge,
  ): Promise<Edge> {
    const outcome = await this.#database.transaction(async (sql) => {
      await this.#demand(sql, { tenantId, edgeId }, ifMatch);
      const done = await this.#certificates.revokeEdge(sql, { tenantId, edgeId }, reason);
      const entry = { actor: user, action: 'edge_revoked', details: { edgeId, reason } } as const;
      if (done === 'revoked') await this.#audit.append(sql, tenantId, entry);
      return done;
    });
    if (outcome === undefined) throw notFound('edge', edgeId);
    if (outcome === 'was_revoked') return this.read(tenantId, edgeId);
    await this.#database.whenKept(() => {
      this.#logger.warn({ tenantId, edgeId, user: user.name, reason }, 'edge revoked');
      return this.#distribution.credentialsChanged(tenantId);
    });
    return this.read(tenantId, edgeId);
  }

  /** Earlier tokens of the edge that nobody has used are void from now on. */
  async createEnrollmentToken(tenantId: string, edgeId: string): Promise<EnrollmentToken> {
    try {
      const { token, expiresAt, command } = await this.#tokens.create(tenantId, edgeId);
      return { token, expiresAt: expiresAt.toISOString(), command };
    } catch (error) {
      throw error instanceof UnknownEdgeError ? notFound('edge', edgeId) : error;
    }
  }

  async #read(sql: SqlExecutor, tenantId: string, edgeId: string): Promise<Edge> {
    const edge = await this.#repository.read(sql, tenantId, edgeId);
    if (edge === undefined) throw notFound('edge', edgeId);
    return this.#edge(edge);
  }

  /** It is there, and as it was seen, until the end of the transaction. */
  async #demand(sql: SqlExecutor, { tenantId, edgeId }: EdgeIdentity, ifMatch: string | undefined): Promise<void> {
    const version = await this.#repository.lockVersion(sql, tenantId, edgeId);
    if (version === undefined) throw notFound('edge', edgeId);
    demandUnchanged('edge', version, ifMatch);
  }

  #edge(stored: StoredEdge): Edge {
    const { enrolledAt, certificateNotBefore, certificateNotAfter, createdAt, updatedAt, ...rest } = stored;
    const { revokedAt, revocationReason, otherUnderlayAddresses, ...edge } = rest;
    const life =
      certificateNotBefore === null || certificateNotAfter === null
        ? undefined
        : { notBefore: certificateNotBefore, notAfter: certificateNotAfter };
    const { connectedSince, drops, ...state } = this.#states.of(stored.id);
    return {
      ...edge,
      otherUnderlayAddresses: [...otherUnderlayAddresses],
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
      revocation:
        revokedAt === null || revocationReason === null
          ? null
          : { revokedAt: revokedAt.toISOString(), reason: revocationReason },
      live: {
        ...state,
        connectedSince: connectedSince?.toISOString() ?? null,
        drops: [...drops],
        enrolledAt: enrolledAt?.toISOString() ?? null,
        certificateNotAfter: certificateNotAfter?.toISOString() ?? null,
        certificateCondition: certificateCondition(life, this.#clock.now()),
      },
    };
  }
}

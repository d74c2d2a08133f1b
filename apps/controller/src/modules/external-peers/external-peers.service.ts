import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { libreswanSnippet, type Snippet, swanctlSnippet } from '@weft/fabric-compiler';
import { CertificateAuthority } from '../../pki/certificate-authority.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { DomainError, notFound, refusal } from '../../platform/http/domain-error.js';
import { type Page, pageByName } from '../../platform/http/page.js';
import { refusing } from '../constraint-violation.js';
import { changedMeanwhile, demandUnchanged, ifMatchRequired, matchesTag } from '../entity-tag.js';
import { inUse, nameTaken, unknownSite } from '../resource-names.js';
import { IntentRepository } from '../revisions/intent.repository.js';
import { TenantsRepository } from '../tenants/tenants.repository.js';
import { kindChanges } from './assigned-addresses.errors.js';
import { AssignedAddresses } from './assigned-addresses.js';
import { certificatePem } from './certificate-text.js';
import {
  type CreateExternalPeer,
  type ExternalPeer,
  type ExternalPeerImport,
  type ExternalPeerImportResult,
  type ExternalPeerSnippet,
  MAX_EXTERNAL_PEERS,
  type ReplaceExternalPeer,
  type SnippetQuery,
} from './external-peer.dto.js';
import { importedExternalPeers, importedNameTaken } from './external-peer-import.js';
import { ExternalPeerKeys } from './external-peer-keys.js';
import { ExternalPeersRepository, type LockedExternalPeer } from './external-peers.repository.js';
import { gatewayOf, type StoredForm, shownExternalPeer, writtenExternalPeer } from './stored-external-peer.js';

/** Gateways and hosts that are not ours, as operators describe them. Their keys go in and never come out. */
@Injectable()
export class ExternalPeersService {
  readonly #database: Database;
  readonly #repository: ExternalPeersRepository;
  readonly #tenants: TenantsRepository;
  readonly #intents: IntentRepository;
  readonly #keys: ExternalPeerKeys;
  readonly #addresses: AssignedAddresses;
  readonly #authority: CertificateAuthority;

  constructor(
    database: Database,
    repository: ExternalPeersRepository,
    tenants: TenantsRepository,
    intents: IntentRepository,
    keys: ExternalPeerKeys,
    addresses: AssignedAddresses,
    authority: CertificateAuthority,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#tenants = tenants;
    this.#intents = intents;
    this.#keys = keys;
    this.#addresses = addresses;
    this.#authority = authority;
  }

  async list(tenantId: string, page: PageRequest): Promise<Page<ExternalPeer>> {
    const peers = await this.#repository.list(this.#database.sql, tenantId, page);
    return pageByName(page, peers.map(shownExternalPeer));
  }

  read(tenantId: string, peerId: string): Promise<ExternalPeer> {
    return this.#read(this.#database.sql, tenantId, peerId);
  }

  /** Throws DomainError 'name_taken', 'unknown_site' or 'too_many_external_peers', or what `AssignedAddresses.choose` throws. */
  create(tenantId: string, input: CreateExternalPeer): Promise<ExternalPeer> {
    return this.#write(input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      await this.#refuseTooMany(sql, tenantId, 1);
      return this.#insert(sql, tenantId, input);
    });
  }

  /**
   * All connections of a swanctl.conf, or none. Throws DomainError 'unknown_site', 'not_importable', 'name_taken' or
   * 'too_many_external_peers'.
   */
  import(tenantId: string, given: ExternalPeerImport): Promise<ExternalPeerImportResult> {
    const work = this.#database.transaction(async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const intent = await this.#intents.read(sql, tenantId);
      if (!intent.sites.some(({ id }) => id === given.siteId)) throw unknownSite('/siteId', given.siteId);
      const { peers, leftAtGateway } = importedExternalPeers(given, intent);
      await this.#refuseTooMany(sql, tenantId, peers.length);
      const items: ExternalPeer[] = [];
      for (const peer of peers) items.push(await this.#insert(sql, tenantId, peer));
      return { items, leftAtGateway };
    });
    return refusing(work, { external_peers_name_key: () => importedNameTaken() });
  }

  /** As create, and 'unknown_external_peer', 'if_match_required', 'external_peer_changed' or 'kind_changes'. */
  async replace(
    tenantId: string,
    peerId: string,
    ifMatch: string | undefined,
    input: ReplaceExternalPeer,
  ): Promise<ExternalPeer> {
    if (ifMatch === undefined) throw ifMatchRequired('external peer');
    return this.#write(input, async (sql) => {
      await this.#tenants.lock(sql, tenantId);
      const stored = await this.#repository.lock(sql, tenantId, peerId);
      if (stored === undefined) throw notFound('external_peer', peerId);
      if (!matchesTag(ifMatch, stored.version)) throw changedMeanwhile('external peer', stored.version);
      if (stored.kind !== kindOf(input)) throw kindChanges(stored.name, stored.kind);
      const form = await this.#form(sql, tenantId, peerId, input);
      const commitment = await this.#commitment(sql, tenantId, input, stored.commitment);
      await this.#repository.update(sql, tenantId, writtenExternalPeer(peerId, input, form, commitment));
      return this.#read(sql, tenantId, peerId);
    });
  }

  /** Throws DomainError 'unknown_external_peer', 'external_peer_changed' or 'external_peer_in_use'. */
  async remove(tenantId: string, peerId: string, ifMatch: string | undefined): Promise<void> {
    const used = async () => inUse('external_peer', await this.#repository.users(this.#database.sql, tenantId, peerId));
    await refusing(
      this.#database.transaction(async (sql) => {
        await this.#tenants.lock(sql, tenantId);
        const stored = await this.#repository.lock(sql, tenantId, peerId);
        if (stored === undefined) throw notFound('external_peer', peerId);
        demandUnchanged('external peer', stored.version, ifMatch);
        await this.#repository.remove(sql, tenantId, peerId);
      }),
      { rule_endpoints_external_peer_fkey: used, group_members_external_peer_fkey: used },
    );
  }

  /** What the operator of the gateway configures. Throws DomainError 'unknown_external_peer', or what is wrong with the draft. */
  async snippet(tenantId: string, peerId: string, format: SnippetQuery['format']): Promise<ExternalPeerSnippet> {
    await this.read(tenantId, peerId);
    const authorities = this.#authority.trusted.anchors.map((anchor) =>
      certificatePem(Buffer.from(anchor).toString('hex')),
    );
    const snippet = SNIPPETS[format](await this.#intents.read(this.#database.sql, tenantId), peerId, authorities);
    if (snippet.ok) return shownSnippet(snippet.snippet);
    const [first] = snippet.problems;
    const detail = first === undefined ? 'The site of the external peer has no edge.' : `${first.detail} ${first.fix}`;
    throw new DomainError('conflict', first?.rule ?? 'external_peer_without_edge', detail, snippet.problems);
  }

  async #refuseTooMany(sql: SqlExecutor, tenantId: string, more: number): Promise<void> {
    if ((await this.#repository.count(sql, tenantId)) + more > MAX_EXTERNAL_PEERS) throw tooManyExternalPeers();
  }

  async #insert(sql: SqlExecutor, tenantId: string, input: CreateExternalPeer): Promise<ExternalPeer> {
    const id = randomUUID();
    const form = await this.#form(sql, tenantId, id, input);
    const commitment = await this.#commitment(sql, tenantId, input, null);
    await this.#repository.insert(sql, tenantId, writtenExternalPeer(id, input, form, commitment));
    return this.#read(sql, tenantId, id);
  }

  /** A site that there is not is refused by the table, and before that no pool is of it. */
  async #form(sql: SqlExecutor, tenantId: string, id: string, input: ReplaceExternalPeer): Promise<StoredForm> {
    const { siteId, assigned = [] } = input;
    return gatewayOf(input) ?? (await this.#addresses.choose(sql, tenantId, { id, siteId, assigned }));
  }

  /** What names the key, the one before where none is given; null with certificates. Throws DomainError 'no_proof' without any. */
  async #commitment(
    sql: SqlExecutor,
    tenantId: string,
    { preSharedKey, certificates }: ReplaceExternalPeer,
    before: string | null,
  ): Promise<string | null> {
    if (certificates !== undefined) return null;
    const commitment = preSharedKey === undefined ? before : await this.#keys.keep(sql, tenantId, preSharedKey);
    if (commitment !== null) return commitment;
    throw refusal('invalid', {
      pointer: '/preSharedKey',
      rule: 'required',
      detail: 'The external peer has had certificates until now, and no key',
      fix: 'Give a pre-shared key, or certificates.',
    });
  }

  async #read(sql: SqlExecutor, tenantId: string, peerId: string): Promise<ExternalPeer> {
    const stored = await this.#repository.read(sql, tenantId, peerId);
    if (stored === undefined) throw notFound('external_peer', peerId);
    return shownExternalPeer(stored);
  }

  #write(
    { name, siteId }: ReplaceExternalPeer,
    work: (sql: SqlExecutor) => Promise<ExternalPeer>,
  ): Promise<ExternalPeer> {
    return refusing(this.#database.transaction(work), {
      external_peers_name_key: () => nameTaken('external peer', name),
      external_peers_site_fkey: () => unknownSite('/siteId', siteId),
    });
  }
}

function kindOf({ assigned }: ReplaceExternalPeer): LockedExternalPeer['kind'] {
  return assigned === undefined ? 'gateway' : 'remote_host';
}

function tooManyExternalPeers(): DomainError {
  const detail = `A tenant has at most ${MAX_EXTERNAL_PEERS} external peers.`;
  return new DomainError('conflict', 'too_many_external_peers', detail);
}

function shownSnippet({ certificates, ...snippet }: Snippet): ExternalPeerSnippet {
  return { ...snippet, ...(certificates === undefined ? {} : { certificates: [...certificates] }) };
}

const SNIPPETS = { swanctl: swanctlSnippet, libreswan: libreswanSnippet };

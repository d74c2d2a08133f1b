import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { AssignedAddressesRepository } from '../external-peers/assigned-addresses.repository.js';
import { KEPT_KEY } from '../external-peers/external-peer.dto.js';
import { ExternalPeerKeys } from '../external-peers/external-peer-keys.js';
import { ExternalPeersRepository } from '../external-peers/external-peers.repository.js';
import { gatewayOf, type StoredForm, writtenExternalPeer } from '../external-peers/stored-external-peer.js';
import type { Configuration } from './configuration.dto.js';
import { changedWhileImporting } from './configuration.errors.js';
import type { PlannedExternalPeer } from './configured-external-peer.js';
import type { CurrentConfiguration } from './current-configuration.js';
import type { ListPlan, PlannedConfiguration, ResolvedExternalPeer } from './import-plan.js';

/** A document without its keys, and those that have to be stored, by the name of their peer. */
export interface SetApart {
  readonly document: PlannedConfiguration;
  readonly keys: ReadonlyMap<string, string>;
}

/** External peers that a document describes. Their keys go around the plan, which is shown. */
@Injectable()
export class ExternalPeerWrites {
  readonly #repository: ExternalPeersRepository;
  readonly #keys: ExternalPeerKeys;
  readonly #addresses: AssignedAddressesRepository;

  constructor(repository: ExternalPeersRepository, keys: ExternalPeerKeys, addresses: AssignedAddressesRepository) {
    this.#repository = repository;
    this.#keys = keys;
    this.#addresses = addresses;
  }

  /** A key that is stored already is no new one: the same document changes nothing the second time. */
  async setKeysApart(
    sql: SqlExecutor,
    tenantId: string,
    current: CurrentConfiguration,
    { externalPeers, ...document }: Configuration,
  ): Promise<SetApart> {
    if (externalPeers === undefined) return { document, keys: new Map() };
    const commitments = new Map(current.externalPeers.map(({ item, commitment }) => [item.name, commitment]));
    const keys = new Map<string, string>();
    const planned: PlannedExternalPeer[] = [];
    for (const { preSharedKey: key, ...peer } of externalPeers) {
      const commitment = commitments.get(peer.name) ?? null;
      const kept =
        key === KEPT_KEY ||
        (key !== undefined && commitment !== null && (await this.#keys.holds(sql, tenantId, commitment, key)));
      if (key !== undefined && !kept) keys.set(peer.name, key);
      planned.push(key === undefined ? peer : { ...peer, preSharedKey: kept ? KEPT_KEY : 'new' });
    }
    return { document: { ...document, externalPeers: planned }, keys };
  }

  /** Before pools change and what is assigned changes hands: those that change or go have nothing of either. */
  async release(
    sql: SqlExecutor,
    tenantId: string,
    { changed, removed }: ListPlan<ResolvedExternalPeer>,
  ): Promise<void> {
    for (const id of [...changed.map((peer) => peer.id), ...removed]) await this.#addresses.remove(sql, tenantId, id);
  }

  /** Makes and changes what the plan says. Throws DomainError 'changed_while_importing'. */
  async carryOut(
    sql: SqlExecutor,
    tenantId: string,
    { created, changed }: ListPlan<ResolvedExternalPeer>,
    keys: ReadonlyMap<string, string>,
  ): Promise<void> {
    for (const { id, item } of created) {
      const commitment = await this.#commitment(sql, tenantId, item, keys, null);
      await this.#repository.insert(sql, tenantId, writtenExternalPeer(id, item, formOf(item), commitment));
    }
    for (const { id, item } of changed) {
      // Whoever sets another key at this moment is not overwritten with the one that was read.
      const stored = await this.#repository.lock(sql, tenantId, id);
      if (stored === undefined) throw changedWhileImporting();
      const commitment = await this.#commitment(sql, tenantId, item, keys, stored.commitment);
      await this.#repository.update(sql, tenantId, writtenExternalPeer(id, item, formOf(item), commitment));
    }
  }

  async remove(sql: SqlExecutor, tenantId: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#repository.remove(sql, tenantId, id);
  }

  async #commitment(
    sql: SqlExecutor,
    tenantId: string,
    { name, preSharedKey }: ResolvedExternalPeer,
    keys: ReadonlyMap<string, string>,
    before: string | null,
  ): Promise<string | null> {
    if (preSharedKey === undefined) return null;
    const key = preSharedKey === 'new' ? keys.get(name) : undefined;
    const commitment = key === undefined ? before : await this.#keys.keep(sql, tenantId, key);
    if (commitment === null) throw changedWhileImporting();
    return commitment;
  }
}

function formOf(peer: ResolvedExternalPeer): StoredForm {
  return gatewayOf(peer) ?? { assigned: peer.assigned ?? [] };
}

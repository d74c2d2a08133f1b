import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import type { DomainError } from '../../platform/http/domain-error.js';
import type { AssignedAddressInput } from './assigned-address.dto.js';
import {
  addressAssignedTwice,
  addressOutsidePool,
  addressPoolFull,
  poolOfAnotherSite,
  severalAddressesOfVersion,
  unknownAddressPool,
} from './assigned-addresses.errors.js';
import { AssignedAddressesRepository, type AssigningPool } from './assigned-addresses.repository.js';
import type { AssignedAddress, StoredRemoteHost } from './stored-external-peer.js';

/** A host that is to be assigned addresses. */
interface AwaitedHost {
  readonly id: string;
  readonly siteId: string;
  readonly assigned: readonly AssignedAddressInput[];
}

/** Which addresses remote hosts get. */
@Injectable()
export class AssignedAddresses {
  readonly #repository: AssignedAddressesRepository;

  constructor(repository: AssignedAddressesRepository) {
    this.#repository = repository;
  }

  /**
   * The addresses of a host: those that it names, or else the ones that it has, or else the lowest that are free. They stay free for it
   * until the end of the transaction. Throws DomainError 'unknown_address_pool', 'pool_of_another_site',
   * 'several_addresses_of_version', 'address_outside_pool', 'address_assigned_twice' or 'address_pool_full'.
   */
  async choose(sql: SqlExecutor, tenantId: string, host: AwaitedHost): Promise<StoredRemoteHost> {
    const ids = host.assigned.map(({ addressPoolId }) => addressPoolId);
    const known = await this.#repository.lockPools(sql, tenantId, ids);
    const assigned: AssignedAddress[] = [];
    const versions = new Set<boolean>();
    for (const [place, wanted] of host.assigned.entries()) {
      const pool = known.get(wanted.addressPoolId);
      if (pool === undefined) throw unknownAddressPool(place, wanted.addressPoolId);
      if (pool.siteId !== host.siteId) throw poolOfAnotherSite(place, pool);
      const isIpv6 = pool.prefix.includes(':');
      if (versions.has(isIpv6)) throw severalAddressesOfVersion(place, pool);
      versions.add(isIpv6);
      assigned.push({ addressPoolId: pool.id, address: await this.#address(sql, tenantId, { host, place, pool }) });
    }
    return { assigned };
  }

  async #address(
    sql: SqlExecutor,
    tenantId: string,
    { host, place, pool }: { readonly host: AwaitedHost; readonly place: number; readonly pool: AssigningPool },
  ): Promise<string> {
    const address = host.assigned[place]?.address;
    if (address === undefined) {
      const found =
        (await this.#repository.held(sql, tenantId, pool.id, host.id)) ??
        (await this.#repository.lowestFree(sql, tenantId, pool.id));
      if (found === undefined) throw addressPoolFull(place, pool);
      return found;
    }
    const refused = await this.#refusal(sql, tenantId, { host, place, pool, address });
    if (refused !== undefined) throw refused;
    return address;
  }

  async #refusal(
    sql: SqlExecutor,
    tenantId: string,
    { host, place, pool, address }: { host: AwaitedHost; place: number; pool: AssigningPool; address: string },
  ): Promise<DomainError | undefined> {
    if (!(await this.#repository.isWithin(sql, address, pool.prefix))) return addressOutsidePool(place, address, pool);
    const holder = await this.#repository.holder(sql, tenantId, address, host.id);
    return holder === undefined ? undefined : addressAssignedTwice(place, address, holder);
  }
}

import { DomainError, refusal } from '../../platform/http/domain-error.js';
import { MAX_ADDRESS_POOLS } from './address-pool.dto.js';
import type { AssignedHost, OverlappingPool } from './address-pools.repository.js';

export function tooManyAddressPools(): DomainError {
  const detail = `A tenant has at most ${MAX_ADDRESS_POOLS} address pools. Join some of them.`;
  return new DomainError('conflict', 'too_many_address_pools', detail);
}

/** `other` is undefined when it was removed in the meantime. */
export function overlappingPools(
  pool: { readonly name: string; readonly prefix: string },
  other: OverlappingPool | undefined,
): DomainError {
  const named =
    other === undefined
      ? 'an address pool that was removed in the meantime'
      : `${other.prefix}, the address pool "${other.name}"`;
  return refusal('conflict', {
    pointer: '/prefix',
    rule: 'overlapping_address_pools',
    detail: `${pool.prefix}, the address pool "${pool.name}", overlaps ${named}`,
    fix: 'Give a prefix that no other address pool of this tenant overlaps.',
  });
}

/** A pool that would no longer have what is assigned of it. */
export function assignedOutside(prefix: string, hosts: readonly AssignedHost[]): DomainError {
  return refusal('conflict', {
    pointer: '/prefix',
    rule: 'assigned_outside',
    detail: `${prefix} does not have what is assigned of the address pool: ${namedHosts(hosts)}`,
    fix: 'Give a prefix that has these addresses, or assign these hosts others first.',
  });
}

/** The hosts would be those of another edge. */
export function assignedElsewhere(hosts: readonly AssignedHost[]): DomainError {
  return refusal('conflict', {
    pointer: '/siteId',
    rule: 'assigned_elsewhere',
    detail: `The site is the one of the hosts that are assigned addresses of the pool: ${namedHosts(hosts)}`,
    fix: 'Leave the pool where it is, and make another one for the other site.',
  });
}

export function duplicateNameServer(): DomainError {
  return refusal('invalid', {
    pointer: '/nameServers',
    rule: 'duplicate_address',
    detail: 'A name server stands here twice',
    fix: 'Name each name server once.',
  });
}

function namedHosts(hosts: readonly AssignedHost[]): string {
  const named = hosts.slice(0, MAX_NAMED).map(({ name, address }) => `${address} of "${name}"`);
  return `${named.join(', ')}${hosts.length > MAX_NAMED ? ` and ${hosts.length - MAX_NAMED} more` : ''}`;
}

const MAX_NAMED = 5;

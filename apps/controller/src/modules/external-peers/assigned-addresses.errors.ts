import { type DomainError, refusal } from '../../platform/http/domain-error.js';
import type { AssigningPool } from './assigned-addresses.repository.js';

/** The rules have the names that the compiler gives them. `place`: which of what is assigned. */
export function unknownAddressPool(place: number, id: string): DomainError {
  return refusal('invalid', {
    pointer: `/assigned/${place}/addressPoolId`,
    rule: 'unknown_address_pool',
    detail: `There is no address pool ${id} in this tenant`,
    fix: 'Name an address pool of this tenant, or make it first.',
  });
}

export function poolOfAnotherSite(place: number, { name }: AssigningPool): DomainError {
  return refusal('invalid', {
    pointer: `/assigned/${place}/addressPoolId`,
    rule: 'pool_of_another_site',
    detail: `The address pool "${name}" is of another site than the host`,
    fix: 'Name an address pool of the site of the host, or give the host the site of the pool.',
  });
}

export function severalAddressesOfVersion(place: number, { prefix }: AssigningPool): DomainError {
  return refusal('invalid', {
    pointer: `/assigned/${place}/addressPoolId`,
    rule: 'several_addresses_of_version',
    detail: `The host would have several addresses of IPv${prefix.includes(':') ? 6 : 4}`,
    fix: 'Assign one address of each IP version.',
  });
}

export function addressOutsidePool(place: number, address: string, { name, prefix }: AssigningPool): DomainError {
  return refusal('invalid', {
    pointer: `/assigned/${place}/address`,
    rule: 'address_outside_pool',
    detail: `${address} is no address of the address pool "${name}" (${prefix})`,
    fix: 'Give an address of the pool, or none: then it is the one that the host has, or else the lowest that is free.',
  });
}

export function addressAssignedTwice(place: number, address: string, holder: string): DomainError {
  return refusal('conflict', {
    pointer: `/assigned/${place}/address`,
    rule: 'address_assigned_twice',
    detail: `${address} is assigned to the external peer "${holder}" already`,
    fix: 'Give another address, or none: then it is the one that the host has, or else the lowest that is free.',
  });
}

export function addressPoolFull(place: number, { name, prefix }: AssigningPool): DomainError {
  return refusal('conflict', {
    pointer: `/assigned/${place}/addressPoolId`,
    rule: 'address_pool_full',
    detail: `All addresses for hosts of the address pool "${name}" (${prefix}) are assigned`,
    fix: 'Give the pool a shorter prefix, remove a host that is gone, or name another pool.',
  });
}

/** What somebody is to the fabric does not change: rules, tests and revisions that name it would mean something else. */
export function kindChanges(name: string, before: 'gateway' | 'remote_host'): DomainError {
  const [was, becomes] = before === 'gateway' ? ['gateway', 'remote host'] : ['remote host', 'gateway'];
  return refusal('conflict', {
    pointer: before === 'gateway' ? '/assigned' : '/address',
    rule: 'kind_changes',
    detail: `The external peer "${name}" is a ${was}, and does not become a ${becomes}`,
    fix: `Describe the ${becomes} as another external peer, and remove this one.`,
  });
}

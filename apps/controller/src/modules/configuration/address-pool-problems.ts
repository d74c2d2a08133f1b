import { parseAddressText } from '@weft/fabric-compiler';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { ConfiguredAddressPool } from './configuration.dto.js';
import type { PlannedExternalPeer } from './configured-external-peer.js';
import type { CurrentConfiguration } from './current-configuration.js';
import type { PlannedConfiguration } from './import-plan.js';

/** The lists as they would be, named by the document or not. */
interface Afterwards {
  readonly addressPools: readonly ConfiguredAddressPool[];
  readonly externalPeers: readonly PlannedExternalPeer[];
}

/**
 * What is wrong with the address pools of a document, and with what hosts are assigned of any. Prefixes and addresses are as Postgres
 * writes them.
 */
export function addressPoolProblems(
  current: CurrentConfiguration,
  document: PlannedConfiguration,
  after: Afterwards,
): ProblemEntry[] {
  return [
    ...(document.addressPools ?? []).flatMap((pool, index) => [
      ...repeatedNameServers(pool, `/addressPools/${index}`),
      ...overlaps(pool, `/addressPools/${index}`, after.addressPools),
    ]),
    ...changedKinds(current, document),
    ...assignedProblems(document, after),
  ];
}

function repeatedNameServers({ nameServers }: ConfiguredAddressPool, pointer: string): ProblemEntry[] {
  if (new Set(nameServers).size === nameServers.length) return [];
  const detail = 'A name server stands here twice';
  return [{ pointer: `${pointer}/nameServers`, rule: 'duplicate_address', detail, fix: 'Name each name server once.' }];
}

function overlaps(
  pool: ConfiguredAddressPool,
  pointer: string,
  pools: readonly ConfiguredAddressPool[],
): ProblemEntry[] {
  const other = pools.find(({ name, prefix }) => name !== pool.name && overlap(prefix, pool.prefix));
  if (other === undefined) return [];
  return [
    {
      pointer: `${pointer}/prefix`,
      rule: 'overlapping_address_pools',
      detail: `${pool.prefix}, the address pool "${pool.name}", would overlap ${other.prefix}, the address pool "${other.name}"`,
      fix: 'Give prefixes that do not overlap.',
    },
  ];
}

/** A gateway stays one, and a host as well. */
function changedKinds(current: CurrentConfiguration, { externalPeers = [] }: PlannedConfiguration): ProblemEntry[] {
  const hosts = new Map(current.externalPeers.map(({ item }) => [item.name, item.assigned !== undefined]));
  return externalPeers.flatMap(({ name, assigned }, index) => {
    const isHost = assigned !== undefined;
    if ((hosts.get(name) ?? isHost) === isHost) return [];
    const [was, becomes] = isHost ? ['gateway', 'remote host'] : ['remote host', 'gateway'];
    const detail = `The external peer "${name}" is a ${was}, and does not become a ${becomes}`;
    const fix = `Give the ${becomes} another name.`;
    return [{ pointer: `/externalPeers/${index}`, rule: 'kind_changes', detail, fix }];
  });
}

function assignedProblems({ externalPeers = [] }: PlannedConfiguration, after: Afterwards): ProblemEntry[] {
  const pools = new Map(after.addressPools.map((pool) => [pool.name, pool]));
  const places = new Map(externalPeers.map(({ name }, index) => [name, index]));
  const holders = new Map<string, string>();
  return after.externalPeers.flatMap((peer) => {
    const versions = new Set<boolean>();
    return (peer.assigned ?? []).flatMap(({ addressPool, address }, place): ProblemEntry[] => {
      const index = places.get(peer.name);
      // Of a host that the document does not name it is what the document says of pools that does not fit.
      const at = (field: string) => (index === undefined ? '' : `/externalPeers/${index}/assigned/${place}/${field}`);
      const pool = pools.get(addressPool);
      if (pool === undefined) return [unknownAddressPool(at('addressPool'), addressPool)];
      const isIpv6 = address.includes(':');
      const [holder, another] = [holders.get(address), versions.has(isIpv6)];
      holders.set(address, peer.name);
      versions.add(isIpv6);
      const found = misfit(peer, pool, address);
      if (found !== undefined) return [{ ...found, pointer: at(found.pointer) }];
      if (another) {
        const detail = `The external peer "${peer.name}" would have several addresses of IPv${isIpv6 ? 6 : 4}`;
        const fix = 'Assign one address of each IP version.';
        return [{ pointer: at('address'), rule: 'several_addresses_of_version', detail, fix }];
      }
      if (holder === undefined) return [];
      const detail = `${address} would be assigned to the external peers "${holder}" and "${peer.name}"`;
      const fix = 'Assign each host an address of its own.';
      return [{ pointer: at('address'), rule: 'address_assigned_twice', detail, fix }];
    });
  });
}

/** `pointer`: the field at fault. */
function misfit(
  { name, site }: PlannedExternalPeer,
  pool: ConfiguredAddressPool,
  address: string,
): ProblemEntry | undefined {
  if (pool.site !== site) {
    return {
      pointer: 'addressPool',
      rule: 'pool_of_another_site',
      detail: `The address pool "${pool.name}" would be of the site "${pool.site}", and the external peer "${name}" of "${site}"`,
      fix: 'Assign addresses of pools of the site of the host.',
    };
  }
  if (overlap(pool.prefix, `${address}/${address.includes(':') ? 128 : 32}`)) return undefined;
  return {
    pointer: 'address',
    rule: 'address_outside_pool',
    detail: `${address}, which the external peer "${name}" is assigned, would be no address of the address pool "${pool.name}" (${pool.prefix})`,
    fix: 'Assign an address of the pool, or give the pool a prefix that has it.',
  };
}

/** Of what names a pool that would not be there. */
export function unknownAddressPool(pointer: string, name: string): ProblemEntry {
  const fix = 'Name an address pool of the document, or of the tenant if it stays.';
  return { pointer, rule: 'unknown_address_pool', detail: `There would be no address pool "${name}"`, fix };
}

/** Of prefixes that the schema has let pass. */
function overlap(one: string, other: string): boolean {
  const [left, right] = [rangeOf(one), rangeOf(other)];
  return left.family === right.family && left.first <= right.last && right.first <= left.last;
}

function rangeOf(prefix: string) {
  const [text = '', length = ''] = prefix.split('/');
  const address = parseAddressText(text);
  if (address === undefined) throw new Error(`${prefix} is no prefix, and the schema has let it pass`);
  const { family, value } = address;
  return { family, first: value, last: value + 2n ** BigInt((family === 4 ? 32 : 128) - Number(length)) - 1n };
}

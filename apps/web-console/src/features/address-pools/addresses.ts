import type { AddressPool, ExternalPeer } from '../../api/index.js';
import { compareNames } from '../../lib/compare.js';
import { formatCount } from '../../lib/format-quantity.js';

/** A host with the address that it has of a pool. */
export interface PoolHost {
  readonly peer: ExternalPeer;
  readonly address: string;
}

/** Of which IP version a prefix or an address is. */
export function ipVersionOf(prefix: string): 4 | 6 {
  return prefix.includes(':') ? 6 : 4;
}

/**
 * How many hosts the controller finds an address for in a prefix: the first and the last of IPv4 are nobody's unless it is /31 or /32, and
 * the first of IPv6 is that of routers (RFC 4291 section 2.6.1). Whoever asks for these by name has them all the same.
 */
export function capacityOf(prefix: string): bigint {
  const addresses = 2n ** hostBitsOf(prefix);
  if (ipVersionOf(prefix) === 6) return addresses - 1n;
  return addresses > 2n ? addresses - 2n : addresses;
}

/** The remote hosts that are assigned an address of a pool, by address. */
export function hostsOf(poolId: string, peers: readonly ExternalPeer[]): readonly PoolHost[] {
  return peers
    .flatMap((peer) =>
      (peer.assigned ?? [])
        .filter(({ addressPoolId }) => addressPoolId === poolId)
        .map(({ address }) => ({ peer, address })),
    )
    .sort((a, b) => compareNames(a.address, b.address));
}

/** `251 of 254`, by canonical texts; of IPv6, where the number would say nothing, that there are plenty. */
export function freeText({ prefix }: Pick<AddressPool, 'prefix'>, hosts: readonly Pick<PoolHost, 'address'>[]): string {
  const capacity = capacityOf(prefix);
  if (capacity > MOST_COUNTED) return 'more than a million';
  const kept = keptBack(prefix);
  const free = capacity - BigInt(hosts.filter(({ address }) => !kept.includes(address)).length);
  return `${formatCount(Number(free))} of ${formatCount(Number(capacity))}`;
}

/** The addresses of a prefix that `capacityOf` leaves out. */
function keptBack(prefix: string): readonly string[] {
  const first = prefix.split('/')[0] ?? '';
  if (ipVersionOf(prefix) === 6) return [first];
  const last = 2n ** hostBitsOf(prefix) - 1n;
  return last > 1n ? [first, ipv4Text(ipv4Number(first) + last)] : [];
}

function hostBitsOf(prefix: string): bigint {
  return BigInt(ipVersionOf(prefix) === 4 ? 32 : 128) - BigInt(prefix.split('/')[1] ?? 0);
}

function ipv4Number(address: string): bigint {
  return address.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

function ipv4Text(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
}

const MOST_COUNTED = 1_000_000n;

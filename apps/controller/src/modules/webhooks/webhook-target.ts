import { Resolver } from 'node:dns/promises';
import { type BlockList, isIP } from 'node:net';
import { isGlobalAddress } from './global-address.js';

/** An address that may be connected to. */
export interface TargetAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Why a URL is no target, or not now. */
export type TargetRefusal = 'address_refused' | 'plain_http_refused' | 'name_unknown';

export type Resolve = (host: string) => Promise<readonly TargetAddress[]>;

/**
 * Where a delivery may go: a tenant's URL must not reach what only the controller's host does. The name is resolved and the connection is
 * made to an address that was looked at, so that a name with another answer a moment later changes nothing. Addresses that are not of
 * the whole Internet, and HTTP without TLS, only where the operator allows it.
 */
export async function targetOf(url: URL, allowed: BlockList, resolve: Resolve): Promise<TargetAddress | TargetRefusal> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const version = isIP(host);
  let addresses: readonly TargetAddress[];
  try {
    addresses = version === 0 ? await resolve(host) : [{ address: host, family: version === 4 ? 4 : 6 }];
  } catch {
    return 'name_unknown';
  }
  if (addresses.length === 0) return 'name_unknown';
  const isAllowed = ({ address, family }: TargetAddress) => allowed.check(address, family === 4 ? 'ipv4' : 'ipv6');
  const byOperator = addresses.find(isAllowed);
  if (byOperator !== undefined) return byOperator;
  const global = addresses.find(({ address }) => isGlobalAddress(address));
  if (global === undefined) return 'address_refused';
  return url.protocol === 'https:' ? global : 'plain_http_refused';
}

/**
 * By the name servers of this host, and without its threads: those that getaddrinfo would take are few, and somebody else's name server may
 * take its time. Rejects when there is no such name, or no answer.
 */
export async function resolveName(host: string): Promise<readonly TargetAddress[]> {
  const resolver = new Resolver({ timeout: NAME_SERVER_MILLISECONDS, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
  return [
    ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 as const })),
    ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 as const })),
  ];
}

const NAME_SERVER_MILLISECONDS = 3_000;

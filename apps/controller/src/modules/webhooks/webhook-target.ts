import { lookup } from 'node:dns/promises';
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
export async function targetOf(
  url: URL,
  allowed: BlockList,
  resolve: Resolve = resolveName,
): Promise<TargetAddress | TargetRefusal> {
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

async function resolveName(host: string): Promise<readonly TargetAddress[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

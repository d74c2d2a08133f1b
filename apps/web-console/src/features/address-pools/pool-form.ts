import type { AddressPool, AddressPoolInput } from '../../api/index.js';

/** A pool as the form has it: every text as it is typed. */
export interface PoolValues {
  readonly name: string;
  readonly description: string;
  readonly siteId: string;
  readonly prefix: string;
  /** One on each line. */
  readonly nameServers: string;
  /** One on each line. */
  readonly domains: string;
}

/** Of a pool to change, or of a new one at a site. */
export function poolValues(pool: AddressPool | undefined, siteId: string): PoolValues {
  return {
    name: pool?.name ?? '',
    description: pool?.description ?? '',
    siteId: pool?.siteId ?? siteId,
    prefix: pool?.prefix ?? '',
    nameServers: (pool?.nameServers ?? []).join('\n'),
    domains: (pool?.domains ?? []).join('\n'),
  };
}

/** What the controller is asked for: that judges it. */
export function poolBody({ name, description, siteId, prefix, nameServers, domains }: PoolValues): AddressPoolInput {
  return {
    name: name.trim(),
    description,
    siteId,
    prefix: prefix.trim(),
    nameServers: wordsOf(nameServers),
    domains: wordsOf(domains),
  };
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

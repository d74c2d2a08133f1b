import type { Tunnel } from '../../api/index.js';
import { compareNames } from '../../lib/compare.js';
import type { Tone } from '../../ui/StateMark.js';
import { isOfRemoteHost } from '../tunnels/directions.js';

/** The remote hosts that come to one site: too many to stand on the canvas each by itself. */
export interface SiteHosts {
  readonly siteId: string;
  readonly siteName: string;
  /** By the name of the host. */
  readonly tunnels: readonly Tunnel[];
}

/** The tunnels with remote hosts, by the site that they come to. */
export function hostsBySite(tunnels: readonly Tunnel[]): readonly SiteHosts[] {
  const found = new Map<string, { siteId: string; siteName: string; tunnels: Tunnel[] }>();
  for (const tunnel of tunnels.filter(isOfRemoteHost)) {
    const [end] = tunnel.edges;
    if (end === undefined) continue;
    const { siteId, siteName } = end;
    const known = found.get(siteId);
    if (known === undefined) found.set(siteId, { siteId, siteName, tunnels: [tunnel] });
    else known.tunnels.push(tunnel);
  }
  for (const hosts of found.values()) {
    hosts.tunnels.sort((a, b) => compareNames(a.externalPeer?.name ?? '', b.externalPeer?.name ?? ''));
  }
  return [...found.values()].sort((a, b) => compareNames(a.siteName, b.siteName));
}

/** How many hosts are there, and whether anything is wrong with those that are not: to be away is no fault. */
export function hostsMark({ tunnels }: SiteHosts): { readonly tone: Tone; readonly label: string } {
  const has = (wanted: Tunnel['state']): boolean => tunnels.some(({ state }) => state === wanted);
  const tone = has('down') ? 'down' : has('establishing') ? 'busy' : has('up') ? 'up' : 'idle';
  return { tone, label: `${tunnels.filter(({ state }) => state === 'up').length} of ${tunnels.length} connected` };
}

import type { EdgeProps, Edge as FlowEdge } from '@xyflow/react';
import type { ReactNode } from 'react';
import { totalRate } from '../../tunnels/directions.js';
import { linkWidth } from '../layout.js';
import { hostsMark, type SiteHosts } from '../remote-hosts.js';
import { useLine } from './use-line.js';

export type HostsLinkData = { readonly hosts: SiteHosts };
export type HostsLinkType = FlowEdge<HostsLinkData, 'hosts'>;

/** The tunnels of a site with its remote hosts, as one line: the hosts themselves say how many. */
export function HostsLink({ source, target, data, selected }: EdgeProps<HostsLinkType>): ReactNode {
  const line = useLine(source, target);
  if (line === undefined || data === undefined) return null;
  const rate = data.hosts.tunnels.reduce((sum, tunnel) => sum + totalRate(tunnel), 0);
  return (
    <>
      <path className="react-flow__edge-interaction" d={line.path} fill="none" strokeOpacity={0} strokeWidth={24} />
      <path
        className={`w-link-line w-link-${hostsMark(data.hosts).tone}`}
        data-selected={selected === true}
        d={line.path}
        strokeWidth={linkWidth(rate)}
      />
    </>
  );
}

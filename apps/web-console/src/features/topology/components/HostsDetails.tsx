import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatBitRate } from '../../../lib/format-quantity.js';
import { LinkButton } from '../../../ui/LinkButton.js';
import { StateMark } from '../../../ui/StateMark.js';
import { totalRate, tunnelState } from '../../tunnels/directions.js';
import { hostsMark, type SiteHosts } from '../remote-hosts.js';

/** The remote hosts of a site, each with how it is. */
export function HostsDetails({ hosts }: { readonly hosts: SiteHosts }): ReactNode {
  return (
    <div className="w-panel-body">
      <div className="w-panel-state">
        <StateMark {...hostsMark(hosts)} />
      </div>
      <ul className="w-list">
        {hosts.tunnels.map((tunnel) => (
          <li key={tunnel.id}>
            <StateMark tone={tunnelState(tunnel).tone} label="" />
            <Link to="/external-peers/$peerId" params={{ peerId: tunnel.externalPeer?.id ?? '' }}>
              {tunnel.externalPeer?.name}
            </Link>
            <span className="w-push w-numeric w-dim">
              {tunnel.state === 'up' ? formatBitRate(totalRate(tunnel)) : tunnelState(tunnel).label}
            </span>
          </li>
        ))}
      </ul>
      <LinkButton to="/external-peers" variant="default" fullWidth>
        All external peers
      </LinkButton>
    </div>
  );
}

import { ActionIcon } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Edge, Network, Site, Tunnel } from '../../../api/index.js';
import { formatBitRate, formatCount } from '../../../lib/format-quantity.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { CloseIcon } from '../../../ui/icons.js';
import { LinkButton } from '../../../ui/LinkButton.js';
import { StateMark } from '../../../ui/StateMark.js';
import { EdgeBundleFacts, EdgeDrops, EdgeIdentityFacts } from '../../edges/components/EdgeFacts.js';
import { RejectionNotice } from '../../edges/components/RejectionNotice.js';
import { CONDITIONS, conditionOf } from '../../edges/condition.js';
import { DirectionFacts } from '../../tunnels/components/TunnelDetail.js';
import { TunnelKeysMark } from '../../tunnels/components/TunnelKeysMark.js';
import { TunnelProtection } from '../../tunnels/components/TunnelProtection.js';
import { TunnelReason } from '../../tunnels/components/TunnelReason.js';
import { directionsOf, tunnelState, tunnelTitle } from '../../tunnels/directions.js';
import { type SeenAt, seenAt } from '../../tunnels/seen-at.js';
import { hostsBySite, type SiteHosts } from '../remote-hosts.js';
import type { Fabric, Selection } from './FabricGraph.js';
import { HostsDetails } from './HostsDetails.js';

interface SelectionPanelProps {
  readonly fabric: Fabric;
  readonly selection: NonNullable<Selection>;
  readonly onSelect: (selection: Selection) => void;
}

/** What is known of the node or link that was clicked; nothing once it is gone. */
export function SelectionPanel({ fabric, selection, onSelect }: SelectionPanelProps): ReactNode {
  const close = (): void => onSelect(null);
  useHotkeys([['Escape', close]]);
  const site = fabric.sites.find(({ id }) => selection.kind === 'site' && id === selection.id);
  const tunnel = fabric.tunnels.find(({ id }) => selection.kind === 'tunnel' && id === selection.id);
  const hosts = hostsBySite(fabric.tunnels).find(({ siteId }) => selection.kind === 'hosts' && siteId === selection.id);
  if (site === undefined && tunnel === undefined && hosts === undefined) return null;
  return (
    <aside className="w-panel" aria-label="Details">
      <header>
        <h2>{titleOf(site, tunnel, hosts)}</h2>
        <ActionIcon aria-label="Close details" onClick={close}>
          <CloseIcon size={16} />
        </ActionIcon>
      </header>
      {site !== undefined && <SiteDetails site={site} fabric={fabric} onSelect={onSelect} />}
      {tunnel !== undefined && <TunnelDetails tunnel={tunnel} />}
      {hosts !== undefined && <HostsDetails hosts={hosts} />}
    </aside>
  );
}

function titleOf(site: Site | undefined, tunnel: Tunnel | undefined, hosts: SiteHosts | undefined): string {
  if (hosts !== undefined) return `Remote hosts of ${hosts.siteName}`;
  return site?.name ?? (tunnel === undefined ? '' : tunnelTitle(tunnel));
}

interface SiteDetailsProps {
  readonly site: Site;
  readonly fabric: Fabric;
  readonly onSelect: (selection: Selection) => void;
}

function SiteDetails({ site, fabric, onSelect }: SiteDetailsProps): ReactNode {
  const own = <Item extends { readonly siteId: string }>(items: readonly Item[]): Item[] =>
    items.filter(({ siteId }) => siteId === site.id);
  const tunnels = fabric.tunnels.filter(({ edges }) => edges.some(({ siteId }) => siteId === site.id));
  return (
    <div className="w-panel-body">
      {site.description !== '' && <p className="w-dim">{site.description}</p>}
      <NetworkList networks={own(fabric.networks)} />
      {own(fabric.edges).map((edge) => (
        <EdgeSection key={edge.id} edge={edge} seen={seenAt(fabric.tunnels, edge.id)} />
      ))}
      {own(fabric.edges).length === 0 && (
        <section>
          <h3>Edge</h3>
          <p className="w-none">None yet, so its networks are out of the fabric.</p>
          <LinkButton to="/sites" size="compact-sm" variant="light">
            Add one
          </LinkButton>
        </section>
      )}
      <section>
        <h3>Tunnels</h3>
        {tunnels.length === 0 && <p className="w-none">None. A published rule that protects its traffic makes one.</p>}
        <ul className="w-list">
          {tunnels.map((tunnel) => (
            <li key={tunnel.id}>
              <StateMark tone={tunnelState(tunnel).tone} label="" />
              <button type="button" className="w-link" onClick={() => onSelect({ kind: 'tunnel', id: tunnel.id })}>
                {directionsOf(tunnel).find(({ to }) => to.placeId !== site.id)?.to.place}
              </button>
              <span className="w-push w-numeric w-dim">{ratesOf(tunnel, site.id)}</span>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function NetworkList({ networks }: { readonly networks: readonly Network[] }): ReactNode {
  return (
    <section>
      <h3>Networks</h3>
      {networks.length === 0 && <p className="w-none">None yet.</p>}
      <ul className="w-list">
        {networks.map(({ id, prefix, name }) => (
          <li key={id}>
            <code>{prefix}</code>
            <span className="w-push w-dim">{name}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function EdgeSection({ edge, seen }: { readonly edge: Edge; readonly seen: readonly SeenAt[] }): ReactNode {
  const { tone, label } = CONDITIONS[conditionOf(edge)];
  return (
    <>
      <section>
        <h3>Edge</h3>
        <div className="w-panel-state">
          <Link to="/edges/$edgeId" params={{ edgeId: edge.id }} className="w-strong">
            {edge.name}
          </Link>
          <StateMark tone={tone} label={label} />
        </div>
        {edge.live.lastRejection !== null && !edge.live.inSync && (
          <RejectionNotice rejection={edge.live.lastRejection} past={false} />
        )}
        <EdgeIdentityFacts edge={edge} seen={seen} />
        <EdgeBundleFacts edge={edge} />
      </section>
      <section>
        <h3>Discarded packets</h3>
        <EdgeDrops edge={edge} />
      </section>
    </>
  );
}

function TunnelDetails({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  const { tone, label } = tunnelState(tunnel);
  return (
    <div className="w-panel-body">
      <div className="w-panel-state">
        <StateMark tone={tone} label={label} />
        <span className="w-dim">
          {formatCount(tunnel.rekeys)} {tunnel.rekeys === 1 ? 'rekey' : 'rekeys'}
        </span>
      </div>
      <TunnelReason tunnel={tunnel} />
      <Facts>
        <Fact name="Keys by">
          <TunnelKeysMark tunnel={tunnel} />
        </Fact>
        <Fact name="Packets are">
          <TunnelProtection tunnel={tunnel} />
        </Fact>
      </Facts>
      {directionsOf(tunnel).map((direction) => (
        <div key={direction.from.deviceId}>
          <div className="w-panel-rate w-numeric">{formatBitRate(direction.traffic.bytesPerSecond)}</div>
          <DirectionFacts direction={direction} />
        </div>
      ))}
      <LinkButton to="/tunnels" search={{ tunnel: tunnel.id }} variant="default" fullWidth>
        Rates over time
      </LinkButton>
    </div>
  );
}

function ratesOf(tunnel: Tunnel, siteId: string): string {
  const out = directionsOf(tunnel).find(({ from }) => from.placeId === siteId)?.traffic.bytesPerSecond ?? 0;
  const into = directionsOf(tunnel).find(({ to }) => to.placeId === siteId)?.traffic.bytesPerSecond ?? 0;
  return `out ${formatBitRate(out)}, in ${formatBitRate(into)}`;
}

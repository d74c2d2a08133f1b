import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { ExternalPeer, Site, Tunnel } from '../../api/index.js';
import { compareNames, matchesFilter } from '../../lib/compare.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { FilterInput } from '../../ui/FilterInput.js';
import { PeerIcon, PlusIcon, PublishIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { sitesQuery } from '../sites/queries.js';
import { isWell } from '../tunnels/directions.js';
import { tunnelsQuery } from '../tunnels/queries.js';
import { ExternalPeerDialog } from './dialogs/ExternalPeerDialog.js';
import { ImportDialog } from './dialogs/ImportDialog.js';
import { externalPeersQuery } from './queries.js';
import { innerAddresses, isRemoteHost, nounOf, peersText, proofText, tunnelMark, tunnelOf } from './wording.js';

/** Gateways that are not ours, and hosts that come from anywhere, each with how its tunnel is. */
export function ExternalPeersPage(): ReactNode {
  const tenantId = useTenantId();
  const peers = useQuery(externalPeersQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId));
  const tunnels = useQuery(tunnelsQuery(tenantId)).data?.items ?? [];
  const [dialog, setDialog] = useState<'add' | 'import' | null>(null);
  const failure = peers.error ?? sites.error;
  const loaded = peers.data !== undefined && sites.data !== undefined;
  const items = peers.data?.items ?? [];
  const actions = (
    <>
      <Button variant="default" leftSection={<PublishIcon size={15} />} onClick={() => setDialog('import')}>
        Import swanctl.conf
      </Button>
      <Button leftSection={<PlusIcon size={15} />} onClick={() => setDialog('add')}>
        Add external peer
      </Button>
    </>
  );
  return (
    <>
      <PageHeader title="External peers" summary={loaded ? peersText(items, tunnels) : ' '}>
        {actions}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={3} rowHeight={58} /> : <FailureNotice error={failure} />)}
      {loaded && items.length === 0 && (
        <EmptyNotice icon={<PeerIcon size={28} />} title="No external peers yet">
          An external peer is an IKEv2 gateway that is not yours, such as an appliance of a partner, or a remote host,
          such as a notebook: one that comes from anywhere and is assigned an address. Describe it, or import the file
          that the operator of the gateway has, and a rule then says what may pass.
        </EmptyNotice>
      )}
      {loaded && items.length > 0 && <PeerTable peers={items} sites={sites.data.items} tunnels={tunnels} />}
      {dialog === 'add' && <ExternalPeerDialog onClose={() => setDialog(null)} />}
      {dialog === 'import' && <ImportDialog onClose={() => setDialog(null)} />}
    </>
  );
}

interface PeerTableProps {
  readonly peers: readonly ExternalPeer[];
  readonly sites: readonly Site[];
  readonly tunnels: readonly Tunnel[];
}

function PeerTable({ peers, sites, tunnels }: PeerTableProps): ReactNode {
  const [filter, setFilter] = useState('');
  const rows = peers
    .map((peer) => ({
      peer,
      site: sites.find(({ id }) => id === peer.siteId)?.name ?? '',
      tunnel: tunnelOf(tunnels, peer.id),
    }))
    .filter(({ peer, site, tunnel }) =>
      matchesFilter(filter, [
        ...[peer.name, peer.description, site, nounOf(peer), peer.address ?? '', peer.identity],
        ...innerAddresses(peer),
        tunnelMark(tunnel).label,
      ]),
    )
    .sort((a, b) => compareNames(a.peer.name, b.peer.name));
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, address or state" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No external peer matches. Clear the filter to see all {peers.length}.</p>
      ) : (
        <table className="w-table w-peers">
          <thead>
            <tr>
              <th>External peer</th>
              <th>Tunnel</th>
              <th>Site</th>
              <th>Kind</th>
              <th>Addresses inside</th>
              <th>Proves itself with</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <PeerRow key={row.peer.id} {...row} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

interface PeerRowProps {
  readonly peer: ExternalPeer;
  readonly site: string;
  readonly tunnel: Tunnel | undefined;
}

function PeerRow({ peer, site, tunnel }: PeerRowProps): ReactNode {
  return (
    <tr data-peer={peer.id}>
      <td>
        <Link to="/external-peers/$peerId" params={{ peerId: peer.id }} className="w-strong">
          {peer.name}
        </Link>
        {peer.description !== '' && <div className="w-dim w-small w-clip">{peer.description}</div>}
      </td>
      <td>
        <StateMark {...tunnelMark(tunnel)} />
        {tunnel !== undefined && tunnel.reason !== null && !isWell(tunnel) && (
          <div className="w-row-reason" title={tunnel.reason}>
            {tunnel.reason}
          </div>
        )}
      </td>
      <td>{site}</td>
      <td>
        {isRemoteHost(peer) ? (
          'Remote host'
        ) : (
          <>
            Gateway at <code>{peer.address}</code>
          </>
        )}
        <div className="w-dim w-small w-clip">{peer.identity}</div>
      </td>
      <td>
        <div className="w-chips">
          {innerAddresses(peer).map((prefix) => (
            <span key={prefix} className="w-chip">
              <code>{prefix}</code>
            </span>
          ))}
        </div>
      </td>
      <td>{proofText(peer)}</td>
    </tr>
  );
}

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { ExternalPeer } from '../../api/index.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { DeleteIcon, EditIcon, PeerIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { sitesQuery } from '../sites/queries.js';
import { tunnelsQuery } from '../tunnels/queries.js';
import { PeerAlgorithms, PeerIdentity } from './components/PeerFacts.js';
import { PeerSnippet } from './components/PeerSnippet.js';
import { PeerTunnel } from './components/PeerTunnel.js';
import { DeletePeerDialog } from './dialogs/DeletePeerDialog.js';
import { ExternalPeerDialog } from './dialogs/ExternalPeerDialog.js';
import { externalPeersQuery } from './queries.js';
import { isRemoteHost, tunnelMark, tunnelOf } from './wording.js';

/** One external peer: what it is, how its tunnel is, and what its operator configures. */
export function ExternalPeerPage(): ReactNode {
  const { peerId } = useParams({ from: '/signed-in/external-peers/$peerId' });
  const { data, error, isPending } = useQuery(externalPeersQuery(useTenantId()));
  if (isPending) return <TableSkeleton rows={3} rowHeight={120} />;
  if (data === undefined) return <FailureNotice error={error} />;
  const peer = data.items.find(({ id }) => id === peerId);
  return peer === undefined ? <NoPeer /> : <PeerDetail peer={peer} />;
}

function PeerDetail({ peer }: { readonly peer: ExternalPeer }): ReactNode {
  const tenantId = useTenantId();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete' | null>(null);
  const site = useQuery(sitesQuery(tenantId)).data?.items.find(({ id }) => id === peer.siteId)?.name ?? '';
  const tunnel = tunnelOf(useQuery(tunnelsQuery(tenantId)).data?.items ?? [], peer.id);
  return (
    <>
      <PageHeader
        title={peer.name}
        summary={
          <span className="w-state-line">
            <StateMark {...tunnelMark(tunnel)} />
            <span className="w-dim">
              {peer.description === ''
                ? `${isRemoteHost(peer) ? 'Remote host' : 'Gateway'} with a tunnel to ${site}`
                : peer.description}
            </span>
          </span>
        }
      >
        <Button variant="default" leftSection={<EditIcon size={15} />} onClick={() => setDialog('edit')}>
          Edit
        </Button>
        <Button variant="default" leftSection={<DeleteIcon size={15} />} onClick={() => setDialog('delete')}>
          Delete
        </Button>
      </PageHeader>
      <div className="w-cards">
        <div className="w-card-column">
          <section className="w-card">
            <h2>{isRemoteHost(peer) ? 'Remote host' : 'Gateway'}</h2>
            <PeerIdentity peer={peer} site={site} tunnel={tunnel} />
          </section>
          <section className="w-card">
            <h2>Algorithms</h2>
            <PeerAlgorithms peer={peer} />
          </section>
        </div>
        <section className="w-card">
          <h2>Tunnel</h2>
          <PeerTunnel peer={peer} tunnel={tunnel} />
        </section>
      </div>
      <section className="w-card w-peer-snippet">
        <h2>{isRemoteHost(peer) ? 'For the host' : 'For the operator of the gateway'}</h2>
        <PeerSnippet peer={peer} />
      </section>
      {dialog === 'edit' && <ExternalPeerDialog peer={peer} onClose={() => setDialog(null)} />}
      {dialog === 'delete' && (
        <DeletePeerDialog
          peer={peer}
          onClose={() => setDialog(null)}
          onDeleted={() => navigate({ to: '/external-peers' })}
        />
      )}
    </>
  );
}

function NoPeer(): ReactNode {
  return (
    <EmptyNotice
      icon={<PeerIcon size={28} />}
      title="There is no such external peer"
      action={<LinkButton to="/external-peers">Go to external peers</LinkButton>}
    >
      It may have been deleted meanwhile.
    </EmptyNotice>
  );
}

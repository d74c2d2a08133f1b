import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Edge } from '../../api/index.js';
import { formatBitRate } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { EdgeIcon, EditIcon, EnrollIcon, RevokeIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { EdgeDialog } from '../sites/dialogs/EdgeDialog.js';
import { EnrollmentDialog } from '../sites/dialogs/EnrollmentDialog.js';
import { edgesQuery, sitesQuery } from '../sites/queries.js';
import { directionsOf, tunnelState, tunnelTitle } from '../tunnels/directions.js';
import { tunnelsQuery } from '../tunnels/queries.js';
import { seenAt } from '../tunnels/seen-at.js';
import { EdgeBundleFacts, EdgeDrops, EdgeIdentityFacts } from './components/EdgeFacts.js';
import { EdgeMoves } from './components/EdgeMoves.js';
import { RejectionNotice } from './components/RejectionNotice.js';
import { CONDITIONS, conditionOf } from './condition.js';
import { RevocationDialog } from './dialogs/RevocationDialog.js';

/** One edge: identity, what it runs, what it refused, what it dropped, its tunnels. */
export function EdgePage(): ReactNode {
  const { edgeId } = useParams({ from: '/signed-in/edges/$edgeId' });
  const { data, error, isPending } = useQuery(edgesQuery(useTenantId()));
  if (isPending) return <TableSkeleton rows={3} rowHeight={120} />;
  if (data === undefined) return <FailureNotice error={error} />;
  const edge = data.items.find(({ id }) => id === edgeId);
  return edge === undefined ? <NoEdge /> : <EdgeDetail edge={edge} />;
}

function EdgeDetail({ edge }: { readonly edge: Edge }): ReactNode {
  const [dialog, setDialog] = useState<'edit' | 'enroll' | 'revoke' | null>(null);
  const site = useQuery(sitesQuery(useTenantId())).data?.items.find(({ id }) => id === edge.siteId);
  const seen = seenAt(useQuery(tunnelsQuery(useTenantId())).data?.items ?? [], edge.id);
  const { tone, label, meaning } = CONDITIONS[conditionOf(edge)];
  return (
    <>
      <PageHeader
        title={edge.name}
        summary={
          <span className="w-state-line">
            <StateMark tone={tone} label={label} />
            <span className="w-dim">
              {site === undefined ? '' : `${site.name} · `}
              {meaning}
            </span>
          </span>
        }
      >
        <Button variant="default" leftSection={<EditIcon size={15} />} onClick={() => setDialog('edit')}>
          Edit
        </Button>
        <Button
          variant={edge.live.enrolledAt === null ? 'filled' : 'default'}
          leftSection={<EnrollIcon size={15} />}
          onClick={() => setDialog('enroll')}
        >
          {edge.live.enrolledAt === null ? 'Enroll' : 'Enroll again'}
        </Button>
        {edge.revocation === null && (
          <Button variant="default" leftSection={<RevokeIcon size={15} />} onClick={() => setDialog('revoke')}>
            Revoke
          </Button>
        )}
      </PageHeader>
      {edge.live.lastRejection !== null && (
        <RejectionNotice rejection={edge.live.lastRejection} past={edge.live.inSync} />
      )}
      <div className="w-cards">
        <section className="w-card">
          <h2>Identity</h2>
          <EdgeIdentityFacts edge={edge} seen={seen} />
        </section>
        <section className="w-card">
          <h2>Bundle</h2>
          <EdgeBundleFacts edge={edge} />
        </section>
        <section className="w-card">
          <h2>Tunnels</h2>
          <EdgeTunnels edgeId={edge.id} />
        </section>
        <section className="w-card">
          <h2>Discarded packets</h2>
          <EdgeDrops edge={edge} />
        </section>
        {edge.otherUnderlayAddresses.length > 0 && (
          <section className="w-card">
            <h2>Uplinks taken</h2>
            <EdgeMoves edge={edge} />
          </section>
        )}
      </div>
      {dialog === 'edit' && <EdgeDialog edge={edge} siteId={edge.siteId} onClose={() => setDialog(null)} />}
      {dialog === 'revoke' && <RevocationDialog edge={edge} onClose={() => setDialog(null)} />}
      {dialog === 'enroll' && (
        <EnrollmentDialog edgeId={edge.id} edgeName={edge.name} onClose={() => setDialog(null)} />
      )}
    </>
  );
}

function EdgeTunnels({ edgeId }: { readonly edgeId: string }): ReactNode {
  const { data } = useQuery(tunnelsQuery(useTenantId()));
  const tunnels = (data?.items ?? []).filter(({ edges }) => edges.some((end) => end.edgeId === edgeId));
  if (data !== undefined && tunnels.length === 0) {
    return <p className="w-none">None. A published rule that protects traffic of its site makes one.</p>;
  }
  return (
    <ul className="w-list">
      {tunnels.map((tunnel) => {
        const out = directionsOf(tunnel).find(({ from }) => from.deviceId === edgeId);
        const into = directionsOf(tunnel).find(({ to }) => to.deviceId === edgeId);
        return (
          <li key={tunnel.id}>
            <StateMark tone={tunnelState(tunnel).tone} label="" />
            <Link to="/tunnels" search={{ tunnel: tunnel.id }}>
              {tunnelTitle(tunnel)}
            </Link>
            <span className="w-numeric w-dim w-push">
              out {formatBitRate(out?.traffic.bytesPerSecond ?? 0)}, in{' '}
              {formatBitRate(into?.traffic.bytesPerSecond ?? 0)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function NoEdge(): ReactNode {
  return (
    <EmptyNotice
      icon={<EdgeIcon size={28} />}
      title="There is no such edge"
      action={<LinkButton to="/sites">Go to sites & edges</LinkButton>}
    >
      It may have been deleted meanwhile.
    </EmptyNotice>
  );
}

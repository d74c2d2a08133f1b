import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Tunnel } from '../../api/index.js';
import { matchesFilter } from '../../lib/compare.js';
import { formatBitRate, plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { FilterInput } from '../../ui/FilterInput.js';
import { TunnelIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { useSorter } from '../../ui/sorting.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { TUNNEL_COMPARISONS, type TunnelColumn, TunnelTable } from './components/TunnelTable.js';
import { totalRate, tunnelState } from './directions.js';
import { protectionMarks } from './protection.js';
import { tunnelsQuery } from './queries.js';

type StateFilter = 'all' | Tunnel['state'];

/** Every tunnel with its state, rates and counters. */
export function TunnelsPage(): ReactNode {
  const { data, error, isPending } = useQuery(tunnelsQuery(useTenantId()));
  const tunnels = data?.items ?? [];
  const total = tunnels.reduce((sum, tunnel) => sum + totalRate(tunnel), 0);
  const [up, waiting] = (['up', 'waiting'] as const).map(
    (wanted) => tunnels.filter(({ state }) => state === wanted).length,
  );
  const wait = waiting === 0 ? '' : `, ${waiting} waiting`;
  return (
    <>
      <PageHeader
        title="Tunnels"
        summary={
          data === undefined
            ? ' '
            : `${up} of ${plural(tunnels.length, 'tunnel')} up${wait}, ${formatBitRate(total)} in total`
        }
      />
      {isPending && <TableSkeleton rows={4} rowHeight={58} />}
      {data === undefined && error !== null && <FailureNotice error={error} />}
      {data !== undefined && (tunnels.length === 0 ? <NoTunnels /> : <Tunnels tunnels={tunnels} />)}
    </>
  );
}

function Tunnels({ tunnels }: { readonly tunnels: readonly Tunnel[] }): ReactNode {
  const { tunnel: openId } = useSearch({ from: '/signed-in/tunnels' });
  const navigate = useNavigate();
  const [filter, setFilter] = useState('');
  const [state, setState] = useState<StateFilter>('all');
  const sorter = useSorter<TunnelColumn, Tunnel>(TUNNEL_COMPARISONS, { column: 'name', descending: false });
  const shown = sorter.apply(
    tunnels.filter((tunnel) => (state === 'all' || tunnel.state === state) && matchesFilter(filter, textsOf(tunnel))),
  );
  const count = (wanted: Tunnel['state']): number => tunnels.filter((each) => each.state === wanted).length;
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by site, edge, peer or reason" />
        <SegmentedControl
          size="xs"
          value={state}
          onChange={(value) => setState(value as StateFilter)}
          data={[
            { value: 'all', label: `All ${tunnels.length}` },
            { value: 'up', label: `Up ${count('up')}` },
            { value: 'waiting', label: `Waiting ${count('waiting')}` },
            { value: 'establishing', label: `Establishing ${count('establishing')}` },
            { value: 'down', label: `Down ${count('down')}` },
          ]}
        />
      </div>
      {shown.length === 0 ? (
        <p className="w-none">No tunnel matches. Clear the filter to see all {tunnels.length}.</p>
      ) : (
        <TunnelTable
          tunnels={shown}
          sorter={sorter}
          openId={openId}
          onToggle={(tunnel) =>
            void navigate({ to: '/tunnels', search: tunnel === openId ? {} : { tunnel }, replace: true })
          }
        />
      )}
    </>
  );
}

function NoTunnels(): ReactNode {
  return (
    <EmptyNotice
      icon={<TunnelIcon size={28} />}
      title="No tunnels yet"
      action={<LinkButton to="/policies">Go to policies</LinkButton>}
    >
      A tunnel comes up between two sites, or a site and an external peer, as soon as a published rule protects traffic
      between them.
    </EmptyNotice>
  );
}

function textsOf(tunnel: Tunnel): string[] {
  const ends = tunnel.edges.flatMap(({ siteName, edgeName }) => [siteName, edgeName]);
  if (tunnel.externalPeer !== null) ends.push(tunnel.externalPeer.name, tunnel.externalPeer.address ?? '');
  const marks = protectionMarks(tunnel).map(({ label }) => label);
  return [...ends, tunnelState(tunnel).label, tunnel.reason ?? '', ...marks];
}

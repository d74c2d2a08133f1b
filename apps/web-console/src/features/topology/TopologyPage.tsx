import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useCallback, useMemo } from 'react';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { TopologyIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { useTenantId } from '../session/use-tenant.js';
import { edgesQuery, networksQuery, sitesQuery } from '../sites/queries.js';
import { TrustNotice } from '../trust/components/TrustNotice.js';
import { tunnelsQuery } from '../tunnels/queries.js';
import { type Fabric, FabricGraph, type Selection } from './components/FabricGraph.js';
import { FabricSummary } from './components/FabricSummary.js';
import { Legend } from './components/Legend.js';
import { SelectionPanel } from './components/SelectionPanel.js';

/** The fabric at a glance: sites, tunnels between them, what flows. */
export function TopologyPage(): ReactNode {
  const tenantId = useTenantId();
  const { fabric, failure } = useFabric(tenantId);
  const [selection, select] = useSelection();
  return (
    <div className="w-topology">
      <PageHeader title="Topology" summary={fabric === undefined ? ' ' : <FabricSummary fabric={fabric} />} />
      <TrustNotice />
      {fabric === undefined && (failure === null ? <Skeleton className="w-grow" /> : <FailureNotice error={failure} />)}
      {fabric !== undefined && fabric.sites.length === 0 && <NoSites />}
      {fabric !== undefined && fabric.sites.length > 0 && (
        <div className="w-stage">
          <div className="w-canvas">
            <FabricGraph tenantId={tenantId} fabric={fabric} selection={selection} onSelect={select} />
            <Legend />
          </div>
          {selection !== null && <SelectionPanel fabric={fabric} selection={selection} onSelect={select} />}
        </div>
      )}
    </div>
  );
}

function useFabric(tenantId: string): { fabric: Fabric | undefined; failure: unknown } {
  const sites = useQuery(sitesQuery(tenantId));
  const networks = useQuery(networksQuery(tenantId));
  const edges = useQuery(edgesQuery(tenantId));
  const tunnels = useQuery(tunnelsQuery(tenantId));
  const fabric = useMemo(
    () =>
      sites.data && networks.data && edges.data && tunnels.data
        ? {
            sites: sites.data.items,
            networks: networks.data.items,
            edges: edges.data.items,
            tunnels: tunnels.data.items,
          }
        : undefined,
    [sites.data, networks.data, edges.data, tunnels.data],
  );
  return { fabric, failure: sites.error ?? networks.error ?? edges.error ?? tunnels.error };
}

/** The selection lives in the address, so that it can be linked to and survives a reload. */
function useSelection(): [Selection, (selection: Selection) => void] {
  const { site, tunnel, hosts } = useSearch({ from: '/signed-in/' });
  const navigate = useNavigate();
  const select = useCallback(
    (next: Selection) =>
      void navigate({ to: '/', search: next === null ? {} : { [next.kind]: next.id }, replace: true }),
    [navigate],
  );
  const selection = useMemo<Selection>(() => {
    if (site !== undefined) return { kind: 'site', id: site };
    if (hosts !== undefined) return { kind: 'hosts', id: hosts };
    return tunnel === undefined ? null : { kind: 'tunnel', id: tunnel };
  }, [site, tunnel, hosts]);
  return [selection, select];
}

function NoSites(): ReactNode {
  return (
    <EmptyNotice
      icon={<TopologyIcon size={28} />}
      title="An empty fabric"
      action={<LinkButton to="/sites">Add the first site</LinkButton>}
    >
      Add two sites with their networks, enroll an edge at each, publish a policy: the tunnel between them appears here.
    </EmptyNotice>
  );
}

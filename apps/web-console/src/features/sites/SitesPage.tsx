import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Edge, Network, Site } from '../../api/index.js';
import { compareNames, matchesFilter } from '../../lib/compare.js';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { FilterInput } from '../../ui/FilterInput.js';
import { PlusIcon, SiteIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { CONDITIONS, conditionOf } from '../edges/condition.js';
import { useTenantId } from '../session/use-tenant.js';
import { type SiteAction, SiteRow } from './components/SiteRow.js';
import { SiteActionDialog } from './dialogs/SiteActionDialog.js';
import { SiteDialog } from './dialogs/SiteDialog.js';
import { edgesQuery, networksQuery, sitesQuery } from './queries.js';

/** Sites with their networks and edges. */
export function SitesPage(): ReactNode {
  const tenantId = useTenantId();
  const sites = useQuery(sitesQuery(tenantId));
  const networks = useQuery(networksQuery(tenantId));
  const edges = useQuery(edgesQuery(tenantId));
  const [adding, setAdding] = useState(false);
  const loaded = sites.data && networks.data && edges.data;
  const failure = sites.error ?? networks.error ?? edges.error;
  const connected = edges.data?.items.filter(({ live }) => live.connected).length ?? 0;
  const add = (
    <Button leftSection={<PlusIcon size={15} />} onClick={() => setAdding(true)}>
      Add site
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Sites & edges"
        summary={
          loaded
            ? `${plural(sites.data.items.length, 'site')}, ${plural(networks.data.items.length, 'network')}, ${connected} of ${plural(edges.data.items.length, 'edge')} connected`
            : ' '
        }
      >
        {add}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rowHeight={58} /> : <FailureNotice error={failure} />)}
      {loaded &&
        (sites.data.items.length === 0 ? (
          <EmptyNotice icon={<SiteIcon size={28} />} title="Begin with a site" action={add}>
            A site is a place with networks behind it. Give it its prefixes, put an edge there, and a policy then says
            what its traffic may reach.
          </EmptyNotice>
        ) : (
          <SiteTable sites={sites.data.items} networks={networks.data.items} edges={edges.data.items} />
        ))}
      {adding && <SiteDialog onClose={() => setAdding(false)} />}
    </>
  );
}

interface SiteTableProps {
  readonly sites: readonly Site[];
  readonly networks: readonly Network[];
  readonly edges: readonly Edge[];
}

function SiteTable({ sites, networks, edges }: SiteTableProps): ReactNode {
  const [filter, setFilter] = useState('');
  const [action, setAction] = useState<SiteAction | null>(null);
  const rows = sites
    .map((site) => ({
      site,
      networks: networks.filter(({ siteId }) => siteId === site.id),
      edges: edges.filter(({ siteId }) => siteId === site.id),
    }))
    .filter((row) => matchesFilter(filter, textsOf(row)))
    .sort((a, b) => compareNames(a.site.name, b.site.name));
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, prefix or state" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No site matches. Clear the filter to see all {sites.length}.</p>
      ) : (
        <table className="w-table w-sites">
          <thead>
            <tr>
              <th>Site</th>
              <th>Networks</th>
              <th>Edge</th>
              <th>State</th>
              <th>Runs</th>
              <th>Certificate ends</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <SiteRow key={row.site.id} {...row} onAction={setAction} />
            ))}
          </tbody>
        </table>
      )}
      {action !== null && (
        <SiteActionDialog key={action.kind} action={action} onClose={() => setAction(null)} onNext={setAction} />
      )}
    </>
  );
}

function textsOf({
  site,
  networks,
  edges,
}: {
  site: Site;
  networks: readonly Network[];
  edges: readonly Edge[];
}): string[] {
  return [
    site.name,
    site.description,
    ...networks.flatMap(({ name, prefix, mappedPrefix = '' }) => [name, prefix, mappedPrefix]),
    ...edges.flatMap((edge) => [
      edge.name,
      edge.underlayAddress,
      ...edge.otherUnderlayAddresses,
      CONDITIONS[conditionOf(edge)].label,
    ]),
  ];
}

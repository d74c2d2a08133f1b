import { ActionIcon, Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { AddressPool, ExternalPeer, Site } from '../../../api/index.js';
import { compareNames, matchesFilter } from '../../../lib/compare.js';
import { plural } from '../../../lib/format-quantity.js';
import { FilterInput } from '../../../ui/FilterInput.js';
import { DeleteIcon, EditIcon, MoreIcon } from '../../../ui/icons.js';
import { freeText, hostsOf, type PoolHost } from '../addresses.js';

/** What a row asks its page to open. */
export interface AddressPoolAction {
  readonly kind: 'edit' | 'delete';
  readonly pool: AddressPool;
}

interface AddressPoolTableProps {
  readonly pools: readonly AddressPool[];
  readonly peers: readonly ExternalPeer[];
  readonly sites: readonly Site[];
  readonly onAction: (action: AddressPoolAction) => void;
}

/** Address pools with who has which address, and how many nobody has. */
export function AddressPoolTable({ pools, peers, sites, onAction }: AddressPoolTableProps): ReactNode {
  const [filter, setFilter] = useState('');
  const rows = pools
    .map((pool) => ({
      pool,
      site: sites.find(({ id }) => id === pool.siteId)?.name ?? '',
      hosts: hostsOf(pool.id, peers),
    }))
    .filter(({ pool, site, hosts }) =>
      matchesFilter(filter, [
        ...[pool.name, pool.description, pool.prefix, site, ...pool.nameServers, ...pool.domains],
        ...hosts.flatMap(({ peer, address }) => [peer.name, address]),
      ]),
    )
    .sort((a, b) => compareNames(a.pool.name, b.pool.name));
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, address or host" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No address pool matches. Clear the filter to see all {pools.length}.</p>
      ) : (
        <table className="w-table w-pools">
          <thead>
            <tr>
              <th>Address pool</th>
              <th>Prefix</th>
              <th>Site</th>
              <th>Free addresses</th>
              <th>Hosts</th>
              <th>Name servers</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <PoolRow key={row.pool.id} {...row} onAction={onAction} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

interface PoolRowProps extends Pick<AddressPoolTableProps, 'onAction'> {
  readonly pool: AddressPool;
  readonly site: string;
  readonly hosts: readonly PoolHost[];
}

function PoolRow({ pool, site, hosts, onAction }: PoolRowProps): ReactNode {
  return (
    <tr data-pool={pool.name}>
      <td>
        <div className="w-strong">{pool.name}</div>
        {pool.description !== '' && <div className="w-dim w-small w-clip">{pool.description}</div>}
      </td>
      <td>
        <code>{pool.prefix}</code>
      </td>
      <td>{site}</td>
      <td className="w-numeric">{freeText(pool, hosts)}</td>
      <td className="w-wrap">
        <Hosts hosts={hosts} />
      </td>
      <td>
        <NameServers pool={pool} />
      </td>
      <td className="w-right">
        <PoolMenu pool={pool} onAction={onAction} />
      </td>
    </tr>
  );
}

function Hosts({ hosts }: { readonly hosts: readonly PoolHost[] }): ReactNode {
  if (hosts.length === 0) return <span className="w-dim">none yet</span>;
  const chips = (
    <div className="w-chips">
      {hosts.map(({ peer, address }) => (
        <span key={address} className="w-chip">
          <Link to="/external-peers/$peerId" params={{ peerId: peer.id }}>
            {peer.name}
          </Link>
          &nbsp;<code>{address}</code>
        </span>
      ))}
    </div>
  );
  if (hosts.length <= MOST_SHOWN) return chips;
  return (
    <details>
      <summary>{plural(hosts.length, 'host')}</summary>
      <div className="w-below">{chips}</div>
    </details>
  );
}

function NameServers({ pool: { nameServers, domains } }: Pick<PoolRowProps, 'pool'>): ReactNode {
  if (nameServers.length === 0) return <span className="w-dim">none</span>;
  return (
    <>
      {nameServers.map((server) => (
        <div key={server}>
          <code>{server}</code>
        </div>
      ))}
      {domains.length > 0 && (
        <div className="w-dim w-small w-clip" title={domains.join(', ')}>
          for {domains.join(', ')}
        </div>
      )}
    </>
  );
}

function PoolMenu({ pool, onAction }: Pick<PoolRowProps, 'pool' | 'onAction'>): ReactNode {
  return (
    <Menu position="bottom-end" width={210}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${pool.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit', pool })}>
          Edit address pool
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onAction({ kind: 'delete', pool })}
        >
          Delete address pool
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** More hosts than these are a list to open. */
const MOST_SHOWN = 8;

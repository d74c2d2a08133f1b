import { Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { externalPeersQuery } from '../features/external-peers/queries.js';
import { policiesQuery } from '../features/policies/queries.js';
import { useTenantId } from '../features/session/use-tenant.js';
import { edgesQuery, sitesQuery } from '../features/sites/queries.js';
import { tunnelTitle } from '../features/tunnels/directions.js';
import { tunnelsQuery } from '../features/tunnels/queries.js';
import { matchesFilter } from '../lib/compare.js';
import { SearchIcon } from '../ui/icons.js';
import { DESTINATIONS } from './shortcuts.js';

interface Place {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly go: () => unknown;
}

/** More than this is a list to filter, not to read. */
const PLACES_SHOWN = 12;

/** Goes to any page, site, edge, external peer, tunnel or policy by a few letters of its name. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState(0);
  const places = usePlaces()
    .filter(({ kind, label }) => matchesFilter(filter, [kind, label]))
    .slice(0, PLACES_SHOWN);
  const choose = (place: Place | undefined): void => {
    if (place === undefined) return;
    onClose();
    place.go();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && places.length > 0) {
      event.preventDefault();
      setChosen((before) => (before + step + places.length) % places.length);
    }
    if (event.key === 'Enter') choose(places[chosen]);
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size="md" yOffset="14vh" centered={false}>
      <TextInput
        className="w-palette-input"
        variant="unstyled"
        size="md"
        placeholder="Page, site, edge, peer, tunnel or policy"
        aria-label="Go to"
        data-autofocus
        leftSection={<SearchIcon size={16} />}
        value={filter}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setFilter(event.currentTarget.value);
          setChosen(0);
        }}
      />
      <ul className="w-palette">
        {places.map((place, index) => (
          <li key={place.id}>
            <button
              type="button"
              data-chosen={index === chosen}
              onClick={() => choose(place)}
              onMouseEnter={() => setChosen(index)}
            >
              <span>{place.label}</span>
              <span className="w-dim w-small">{place.kind}</span>
            </button>
          </li>
        ))}
        {places.length === 0 && <li className="w-palette-none">Nothing has this name.</li>}
      </ul>
    </Modal>
  );
}

function usePlaces(): readonly Place[] {
  const tenantId = useTenantId();
  const navigate = useNavigate();
  const sites = useQuery(sitesQuery(tenantId)).data?.items ?? [];
  const edges = useQuery(edgesQuery(tenantId)).data?.items ?? [];
  const peers = useQuery(externalPeersQuery(tenantId)).data?.items ?? [];
  const tunnels = useQuery(tunnelsQuery(tenantId)).data?.items ?? [];
  const policies = useQuery(policiesQuery(tenantId)).data?.items ?? [];
  return [
    ...DESTINATIONS.map(({ to, label }) => ({ id: to, kind: 'Page', label, go: () => navigate({ to }) })),
    ...sites.map(({ id, name }) => ({
      id,
      kind: 'Site',
      label: name,
      go: () => navigate({ to: '/', search: { site: id } }),
    })),
    ...edges.map(({ id, name }) => ({
      id,
      kind: 'Edge',
      label: name,
      go: () => navigate({ to: '/edges/$edgeId', params: { edgeId: id } }),
    })),
    ...peers.map(({ id, name }) => ({
      id,
      kind: 'External peer',
      label: name,
      go: () => navigate({ to: '/external-peers/$peerId', params: { peerId: id } }),
    })),
    ...tunnels.map((tunnel) => ({
      id: tunnel.id,
      kind: 'Tunnel',
      label: tunnelTitle(tunnel),
      go: () => navigate({ to: '/tunnels', search: { tunnel: tunnel.id } }),
    })),
    ...policies.map(({ id, name }) => ({
      id,
      kind: 'Policy',
      label: name,
      go: () => navigate({ to: '/policies', hash: id }),
    })),
  ];
}

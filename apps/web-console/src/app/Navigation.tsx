import { ActionIcon, Kbd, Menu, Tooltip, UnstyledButton } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { logOut, sessionQuery } from '../features/session/queries.js';
import { useTenantId } from '../features/session/use-tenant.js';
import { edgesQuery } from '../features/sites/queries.js';
import { trustQuery } from '../features/trust/queries.js';
import { isWell, wellText } from '../features/tunnels/directions.js';
import { tunnelsQuery } from '../features/tunnels/queries.js';
import {
  AccessIcon,
  AuditIcon,
  ExplainIcon,
  FabricIcon,
  GroupIcon,
  KeyboardIcon,
  LogOutIcon,
  MembersIcon,
  PeerIcon,
  PolicyIcon,
  PoolIcon,
  ProfileIcon,
  RevisionIcon,
  SearchIcon,
  ServiceIcon,
  SiteIcon,
  TopologyIcon,
  TrustIcon,
  TunnelIcon,
  UserIcon,
  WebhookIcon,
} from '../ui/icons.js';
import { announceFailure } from '../ui/use-write.js';
import { Wordmark } from '../ui/Wordmark.js';
import { SchemeSwitch } from './SchemeSwitch.js';
import { DESTINATIONS, type Destination } from './shortcuts.js';
import { TenantSwitch } from './TenantSwitch.js';
import { useContact } from './use-contact.js';

const ICONS = {
  '/': TopologyIcon,
  '/sites': SiteIcon,
  '/address-pools': PoolIcon,
  '/external-peers': PeerIcon,
  '/groups': GroupIcon,
  '/services': ServiceIcon,
  '/profiles': ProfileIcon,
  '/tunnels': TunnelIcon,
  '/policies': PolicyIcon,
  '/explain': ExplainIcon,
  '/revisions': RevisionIcon,
  '/trust': TrustIcon,
  '/fabric': FabricIcon,
  '/members': MembersIcon,
  '/access': AccessIcon,
  '/webhooks': WebhookIcon,
  '/audit': AuditIcon,
} as const satisfies Record<Destination['to'], unknown>;

interface NavigationProps {
  readonly onSearch: () => void;
  readonly onHelp: () => void;
}

/** The left edge of the console: where to go, how many of it are healthy, who is logged in. */
export function Navigation({ onSearch, onHelp }: NavigationProps): ReactNode {
  const counts = useHealthCounts();
  return (
    <nav className="w-nav" aria-label="Console">
      <div className="w-nav-brand">
        <Wordmark />
      </div>
      <TenantSwitch />
      <UnstyledButton className="w-nav-search" onClick={onSearch}>
        <SearchIcon size={15} aria-hidden />
        <span>Go to…</span>
        <Kbd size="xs">Ctrl K</Kbd>
      </UnstyledButton>
      <ul>
        {DESTINATIONS.map(({ to, label }) => {
          const Icon = ICONS[to];
          return (
            <li key={to}>
              <Link to={to} className="w-nav-link" activeOptions={{ exact: to === '/' }}>
                <Icon size={17} stroke={1.7} aria-hidden />
                <span>{label}</span>
                <NavCount count={counts[to]} />
              </Link>
            </li>
          );
        })}
      </ul>
      <div className="w-nav-foot">
        <ContactMark />
        <div className="w-nav-tools">
          <UserMenu />
          <Tooltip label="Keyboard">
            <ActionIcon aria-label="Keyboard shortcuts" onClick={onHelp}>
              <KeyboardIcon size={17} />
            </ActionIcon>
          </Tooltip>
          <SchemeSwitch />
        </div>
      </div>
    </nav>
  );
}

interface HealthCount {
  readonly good: number;
  readonly all: number;
  readonly title: string;
}

function useHealthCounts(): Partial<Record<Destination['to'], HealthCount>> {
  const tenantId = useTenantId();
  const edges = useQuery(edgesQuery(tenantId)).data?.items;
  const tunnels = useQuery(tunnelsQuery(tenantId)).data?.items;
  const trusted = useQuery(trustQuery(tenantId)).data?.items;
  return {
    ...(trusted?.some(({ condition }) => condition !== 'valid') && {
      '/trust': {
        good: trusted.filter(({ condition }) => condition === 'valid').length,
        all: trusted.length,
        title: 'of what edges trust is valid for long',
      },
    }),
    ...(edges && {
      '/sites': {
        good: edges.filter(({ live }) => live.connected).length,
        all: edges.length,
        title: 'edges connected',
      },
    }),
    ...(tunnels && {
      '/tunnels': {
        good: tunnels.filter(isWell).length,
        all: tunnels.length,
        title: wellText(tunnels),
      },
    }),
  };
}

function NavCount({ count }: { readonly count: HealthCount | undefined }): ReactNode {
  if (count === undefined || count.all === 0) return null;
  return (
    <span
      className="w-nav-count"
      data-whole={count.good === count.all}
      title={`${count.good} of ${count.all} ${count.title}`}
    >
      {count.good}/{count.all}
    </span>
  );
}

function ContactMark(): ReactNode {
  const { state } = useContact();
  const live = state === 'live';
  return (
    <div className="w-nav-contact" data-live={live}>
      <span className="w-nav-pulse" aria-hidden />
      {live ? 'Live' : state === 'waiting' ? 'Connecting…' : 'Not current'}
    </div>
  );
}

function UserMenu(): ReactNode {
  const { data: session } = useQuery(sessionQuery);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const leave = async (): Promise<void> => {
    try {
      await logOut();
      await navigate({ to: '/login' });
      queryClient.clear();
    } catch (error) {
      announceFailure(error);
    }
  };
  return (
    <Menu position="top-start" width={180}>
      <Menu.Target>
        <UnstyledButton className="w-nav-user">
          <UserIcon size={16} aria-hidden />
          <span>{session?.userName}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<LogOutIcon size={15} />} onClick={() => void leave()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { failureOf, type Session } from './api/index.js';
import { ConnectingPage } from './app/ConnectingPage.js';
import { NotFoundPage } from './app/NotFoundPage.js';
import { queryClient } from './app/query-client.js';
import { Shell } from './app/Shell.js';
import { auditSearch } from './features/audit/search.js';
import { revisionSearch } from './features/revisions/search.js';
import { EnteringPage } from './features/session/EnteringPage.js';
import { LoginPage } from './features/session/LoginPage.js';
import { isOidcRefusal, type OidcRefusal } from './features/session/oidc-refusals.js';
import { sessionQuery } from './features/session/queries.js';
import { TenantsPage } from './features/session/TenantsPage.js';

/** Every URL of the console. A page loads with its route, so that the graph library comes with the topology only. */

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage });

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LoginPage,
  validateSearch: (search): { next?: string; refused?: OidcRefusal } => {
    const { next, refused } = search;
    return {
      ...(typeof next === 'string' && /^\/(?!\/)/.test(next) && { next }),
      ...(isOidcRefusal(refused) && { refused }),
    };
  },
});

const tenants = createRoute({
  getParentRoute: () => root,
  path: '/tenants',
  component: TenantsPage,
  beforeLoad: async () => {
    await sessionOrLogin('/tenants');
  },
  errorComponent: ConnectingPage,
});

const entering = createRoute({ getParentRoute: () => root, path: '/entering', component: EnteringPage });

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const session = await sessionOrLogin(location.href);
    if (session.tenantId === null) throw redirect({ to: '/tenants' });
  },
  errorComponent: ConnectingPage,
});

const topology = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  validateSearch: (search): { site?: string; tunnel?: string; hosts?: string } => ({
    ...optionalText('site', search),
    ...optionalText('tunnel', search),
    ...optionalText('hosts', search),
  }),
  component: lazyRouteComponent(() => import('./features/topology/TopologyPage.js'), 'TopologyPage'),
});

const sites = createRoute({
  getParentRoute: () => signedIn,
  path: '/sites',
  component: lazyRouteComponent(() => import('./features/sites/SitesPage.js'), 'SitesPage'),
});

const edge = createRoute({
  getParentRoute: () => signedIn,
  path: '/edges/$edgeId',
  component: lazyRouteComponent(() => import('./features/edges/EdgePage.js'), 'EdgePage'),
});

const addressPools = createRoute({
  getParentRoute: () => signedIn,
  path: '/address-pools',
  component: lazyRouteComponent(() => import('./features/address-pools/AddressPoolsPage.js'), 'AddressPoolsPage'),
});

const externalPeers = createRoute({
  getParentRoute: () => signedIn,
  path: '/external-peers',
  component: lazyRouteComponent(() => import('./features/external-peers/ExternalPeersPage.js'), 'ExternalPeersPage'),
});

const externalPeer = createRoute({
  getParentRoute: () => signedIn,
  path: '/external-peers/$peerId',
  component: lazyRouteComponent(() => import('./features/external-peers/ExternalPeerPage.js'), 'ExternalPeerPage'),
});

const groups = createRoute({
  getParentRoute: () => signedIn,
  path: '/groups',
  component: lazyRouteComponent(() => import('./features/groups/GroupsPage.js'), 'GroupsPage'),
});

const services = createRoute({
  getParentRoute: () => signedIn,
  path: '/services',
  component: lazyRouteComponent(() => import('./features/services/ServicesPage.js'), 'ServicesPage'),
});

const profiles = createRoute({
  getParentRoute: () => signedIn,
  path: '/profiles',
  component: lazyRouteComponent(() => import('./features/profiles/ProfilesPage.js'), 'ProfilesPage'),
});

const tunnels = createRoute({
  getParentRoute: () => signedIn,
  path: '/tunnels',
  validateSearch: (search): { tunnel?: string } => optionalText('tunnel', search),
  component: lazyRouteComponent(() => import('./features/tunnels/TunnelsPage.js'), 'TunnelsPage'),
});

const policies = createRoute({
  getParentRoute: () => signedIn,
  path: '/policies',
  component: lazyRouteComponent(() => import('./features/policies/PoliciesPage.js'), 'PoliciesPage'),
});

const revisions = createRoute({
  getParentRoute: () => signedIn,
  path: '/revisions',
  validateSearch: revisionSearch,
  component: lazyRouteComponent(() => import('./features/revisions/RevisionsPage.js'), 'RevisionsPage'),
});

const trust = createRoute({
  getParentRoute: () => signedIn,
  path: '/trust',
  component: lazyRouteComponent(() => import('./features/trust/TrustPage.js'), 'TrustPage'),
});

const explain = createRoute({
  getParentRoute: () => signedIn,
  path: '/explain',
  component: lazyRouteComponent(() => import('./features/explain/ExplainPage.js'), 'ExplainPage'),
});

const access = createRoute({
  getParentRoute: () => signedIn,
  path: '/access',
  component: lazyRouteComponent(() => import('./features/access/AccessPage.js'), 'AccessPage'),
});

const fabric = createRoute({
  getParentRoute: () => signedIn,
  path: '/fabric',
  component: lazyRouteComponent(() => import('./features/fabric/FabricPage.js'), 'FabricPage'),
});

const members = createRoute({
  getParentRoute: () => signedIn,
  path: '/members',
  component: lazyRouteComponent(() => import('./features/members/MembersPage.js'), 'MembersPage'),
});

const webhooks = createRoute({
  getParentRoute: () => signedIn,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./features/webhooks/WebhooksPage.js'), 'WebhooksPage'),
});

const webhook = createRoute({
  getParentRoute: () => signedIn,
  path: '/webhooks/$webhookId',
  component: lazyRouteComponent(() => import('./features/webhooks/WebhookPage.js'), 'WebhookPage'),
});

const audit = createRoute({
  getParentRoute: () => signedIn,
  path: '/audit',
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import('./features/audit/AuditPage.js'), 'AuditPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    tenants,
    entering,
    signedIn.addChildren([
      topology,
      sites,
      edge,
      addressPools,
      externalPeers,
      externalPeer,
      groups,
      services,
      profiles,
      tunnels,
      policies,
      explain,
      revisions,
      trust,
      fabric,
      members,
      access,
      webhooks,
      webhook,
      audit,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultPendingMs: 200,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

/** Who is logged in; otherwise the reader logs in first, and comes back. */
async function sessionOrLogin(href: string): Promise<Session> {
  try {
    return await queryClient.ensureQueryData(sessionQuery);
  } catch (error) {
    if (failureOf(error).status !== 401) throw error;
    throw redirect({ to: '/login', search: href === '/' ? {} : { next: href } });
  }
}

function optionalText<Key extends string>(key: Key, search: Record<string, unknown>): { [K in Key]?: string } {
  const value = search[key];
  return (typeof value === 'string' ? { [key]: value } : {}) as { [K in Key]?: string };
}

import type { Type } from '@nestjs/common';
import { AddressPoolsController } from '../modules/address-pools/address-pools.controller.js';
import { ApiTokensController } from '../modules/api-tokens/api-tokens.controller.js';
import { AuditController } from '../modules/audit/audit.controller.js';
import { ConfigurationController } from '../modules/configuration/configuration.controller.js';
import { EdgesController } from '../modules/edges/edges.controller.js';
import { EventStreamController } from '../modules/events/event-stream.controller.js';
import { EventsController } from '../modules/events/events.controller.js';
import { ExplanationsController } from '../modules/explanations/explanations.controller.js';
import { ExternalPeersController } from '../modules/external-peers/external-peers.controller.js';
import { GroupsController } from '../modules/groups/groups.controller.js';
import { HealthController } from '../modules/health/health.controller.js';
import { InvitationsController } from '../modules/invitations/invitations.controller.js';
import { OwnInvitationsController } from '../modules/invitations/own-invitations.controller.js';
import { MembersController } from '../modules/members/members.controller.js';
import { OwnMembershipsController } from '../modules/members/own-memberships.controller.js';
import { NamedServicesController } from '../modules/named-services/named-services.controller.js';
import { NetworksController } from '../modules/networks/networks.controller.js';
import { OidcController } from '../modules/oidc/oidc.controller.js';
import { PoliciesController } from '../modules/policies/policies.controller.js';
import { PolicyTestsController } from '../modules/policy-tests/policy-tests.controller.js';
import { ProfilesController } from '../modules/profiles/profiles.controller.js';
import { ApprovalsController } from '../modules/revisions/approvals.controller.js';
import { RevisionsController } from '../modules/revisions/revisions.controller.js';
import { RevocationListController } from '../modules/revocation-list/revocation-list.controller.js';
import { OwnSessionsController } from '../modules/session/own-sessions.controller.js';
import { SessionController } from '../modules/session/session.controller.js';
import { SitesController } from '../modules/sites/sites.controller.js';
import { TenantsController } from '../modules/tenants/tenants.controller.js';
import { TopologyController } from '../modules/topology/topology.controller.js';
import { TotpController } from '../modules/totp/totp.controller.js';
import { TrustController } from '../modules/trust/trust.controller.js';
import { TunnelsController } from '../modules/tunnels/tunnels.controller.js';
import { UsersController } from '../modules/users/users.controller.js';
import { WebhooksController } from '../modules/webhooks/webhooks.controller.js';

/** Every controller of the REST API, in the order of the document. */
export const REST_CONTROLLERS: readonly Type[] = [
  HealthController,
  RevocationListController,
  SessionController,
  OidcController,
  OwnSessionsController,
  OwnMembershipsController,
  OwnInvitationsController,
  TotpController,
  TenantsController,
  UsersController,
  MembersController,
  InvitationsController,
  ApiTokensController,
  SitesController,
  NetworksController,
  EdgesController,
  AddressPoolsController,
  ExternalPeersController,
  GroupsController,
  NamedServicesController,
  ProfilesController,
  TopologyController,
  PoliciesController,
  PolicyTestsController,
  RevisionsController,
  ApprovalsController,
  ExplanationsController,
  ConfigurationController,
  AuditController,
  EventsController,
  EventStreamController,
  TunnelsController,
  TrustController,
  WebhooksController,
];

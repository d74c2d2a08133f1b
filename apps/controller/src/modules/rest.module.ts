import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { OpenApiController } from '../openapi/openapi.controller.js';
import { ProblemFilter } from '../platform/http/problem.filter.js';
import { SchemaPipe } from '../platform/http/schema.pipe.js';
import { TenantScopeInterceptor } from '../platform/http/tenant-scope.interceptor.js';
import { KeptAnswersRepository } from '../platform/http/writes/kept-answers.repository.js';
import { WriteInterceptor } from '../platform/http/writes/write.interceptor.js';
import { AccessGuard } from './access/access.guard.js';
import { AddressPoolsModule } from './address-pools/address-pools.module.js';
import { ApiTokensModule } from './api-tokens/api-tokens.module.js';
import { AuditModule } from './audit/audit.module.js';
import { ConfigurationModule } from './configuration/configuration.module.js';
import { EdgesModule } from './edges/edges.module.js';
import { EventsModule } from './events/events.module.js';
import { ExplanationsModule } from './explanations/explanations.module.js';
import { ExternalPeersModule } from './external-peers/external-peers.module.js';
import { GroupsModule } from './groups/groups.module.js';
import { HealthModule } from './health/health.module.js';
import { InvitationsModule } from './invitations/invitations.module.js';
import { MembersModule } from './members/members.module.js';
import { NamedServicesModule } from './named-services/named-services.module.js';
import { NetworksModule } from './networks/networks.module.js';
import { OidcModule } from './oidc/oidc.module.js';
import { PoliciesModule } from './policies/policies.module.js';
import { PolicyTestsModule } from './policy-tests/policy-tests.module.js';
import { ProfilesModule } from './profiles/profiles.module.js';
import { RevisionsModule } from './revisions/revisions.module.js';
import { RevocationListModule } from './revocation-list/revocation-list.module.js';
import { SessionModule } from './session/session.module.js';
import { SitesModule } from './sites/sites.module.js';
import { TenantsModule } from './tenants/tenants.module.js';
import { TopologyModule } from './topology/topology.module.js';
import { TotpModule } from './totp/totp.module.js';
import { TrustModule } from './trust/trust.module.js';
import { TunnelsModule } from './tunnels/tunnels.module.js';
import { UsersModule } from './users/users.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The REST half: every noun, and what every request passes through. `configureHttp` does what comes before a route. */
@Module({
  imports: [
    HealthModule,
    RevocationListModule,
    SessionModule,
    OidcModule,
    TotpModule,
    TenantsModule,
    UsersModule,
    MembersModule,
    InvitationsModule,
    ApiTokensModule,
    SitesModule,
    NetworksModule,
    EdgesModule,
    AddressPoolsModule,
    ExternalPeersModule,
    GroupsModule,
    NamedServicesModule,
    ProfilesModule,
    TopologyModule,
    PoliciesModule,
    PolicyTestsModule,
    RevisionsModule,
    ExplanationsModule,
    ConfigurationModule,
    AuditModule,
    EventsModule,
    WebhooksModule,
    TunnelsModule,
    TrustModule,
  ],
  controllers: [OpenApiController],
  providers: [
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_GUARD, useClass: AccessGuard },
    // Before every other interceptor: they, too, see one tenant.
    { provide: APP_INTERCEPTOR, useClass: TenantScopeInterceptor },
    { provide: APP_PIPE, useClass: SchemaPipe },
    { provide: APP_INTERCEPTOR, useClass: WriteInterceptor },
    KeptAnswersRepository,
  ],
})
export class RestModule {}

import { Module } from '@nestjs/common';
import { AddressPoolsModule } from '../address-pools/address-pools.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ExternalPeersModule } from '../external-peers/external-peers.module.js';
import { GroupsModule } from '../groups/groups.module.js';
import { NamedServicesModule } from '../named-services/named-services.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { TopologyModule } from '../topology/topology.module.js';
import { ApprovalsController } from './approvals.controller.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { ApprovalsService } from './approvals.service.js';
import { Drafts } from './drafts.js';
import { Gate } from './gate.js';
import { IntentRepository } from './intent.repository.js';
import { IntentTables } from './intent-tables.js';
import { PublicationService } from './publication.service.js';
import { RevisionsController } from './revisions.controller.js';
import { RevisionsRepository } from './revisions.repository.js';
import { RevisionsService } from './revisions.service.js';
import { Validations } from './validations.js';

@Module({
  imports: [
    TenantsModule,
    PoliciesModule,
    AddressPoolsModule,
    ExternalPeersModule,
    GroupsModule,
    NamedServicesModule,
    ProfilesModule,
    TopologyModule,
    AuditModule,
  ],
  controllers: [RevisionsController, ApprovalsController],
  exports: [Drafts, RevisionsRepository],
  providers: [
    RevisionsService,
    PublicationService,
    ApprovalsService,
    ApprovalsRepository,
    Gate,
    Drafts,
    Validations,
    RevisionsRepository,
    IntentRepository,
    IntentTables,
  ],
})
export class RevisionsModule {}

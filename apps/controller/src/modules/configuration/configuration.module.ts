import { Module } from '@nestjs/common';
import { AddressPoolsModule } from '../address-pools/address-pools.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { EdgesModule } from '../edges/edges.module.js';
import { ExternalPeersModule } from '../external-peers/external-peers.module.js';
import { GroupsModule } from '../groups/groups.module.js';
import { NamedServicesModule } from '../named-services/named-services.module.js';
import { NetworksModule } from '../networks/networks.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { PolicyTestsModule } from '../policy-tests/policy-tests.module.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { SitesModule } from '../sites/sites.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { TopologyModule } from '../topology/topology.module.js';
import { ConfigurationController } from './configuration.controller.js';
import { ConfigurationRepository } from './configuration.repository.js';
import { ConfigurationService } from './configuration.service.js';
import { ConfigurationReader } from './current-configuration.js';
import { ExternalPeerWrites } from './external-peer-writes.js';

@Module({
  imports: [
    AuditModule,
    TenantsModule,
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
  ],
  controllers: [ConfigurationController],
  providers: [ConfigurationService, ConfigurationReader, ConfigurationRepository, ExternalPeerWrites],
})
export class ConfigurationModule {}

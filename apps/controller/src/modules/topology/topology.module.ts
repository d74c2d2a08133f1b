import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { TopologyController } from './topology.controller.js';
import { TopologyRepository } from './topology.repository.js';
import { TopologyService } from './topology.service.js';

@Module({
  imports: [TenantsModule, PoliciesModule],
  controllers: [TopologyController],
  providers: [TopologyService, TopologyRepository],
  exports: [TopologyRepository],
})
export class TopologyModule {}

import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { PolicyTestsController } from './policy-tests.controller.js';
import { PolicyTestsRepository } from './policy-tests.repository.js';
import { PolicyTestsService } from './policy-tests.service.js';

@Module({
  imports: [TenantsModule, PoliciesModule],
  controllers: [PolicyTestsController],
  providers: [PolicyTestsService, PolicyTestsRepository],
  exports: [PolicyTestsRepository],
})
export class PolicyTestsModule {}

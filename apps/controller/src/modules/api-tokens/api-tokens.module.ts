import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ApiTokensController } from './api-tokens.controller.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { ApiTokensService } from './api-tokens.service.js';
import { TokenHolders } from './token-holders.js';

@Module({
  imports: [AuditModule, TenantsModule],
  controllers: [ApiTokensController],
  providers: [ApiTokensService, ApiTokensRepository, TokenHolders],
  exports: [TokenHolders],
})
export class ApiTokensModule {}

import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { Drafts } from './drafts.js';
import { IntentRepository } from './intent.repository.js';
import { RevisionsController } from './revisions.controller.js';
import { RevisionsRepository } from './revisions.repository.js';
import { RevisionsService } from './revisions.service.js';

@Module({
  imports: [TenantsModule],
  controllers: [RevisionsController],
  providers: [RevisionsService, Drafts, RevisionsRepository, IntentRepository],
})
export class RevisionsModule {}

import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { MembersController } from './members.controller.js';
import { MembersRepository } from './members.repository.js';
import { MembersService } from './members.service.js';
import { OwnMembershipsController } from './own-memberships.controller.js';
import { OwnMemberships } from './own-memberships.js';

@Module({
  imports: [AuditModule],
  controllers: [MembersController, OwnMembershipsController],
  providers: [MembersService, MembersRepository, OwnMemberships],
  exports: [MembersRepository],
})
export class MembersModule {}

import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { MembersModule } from '../members/members.module.js';
import { InvitationsController } from './invitations.controller.js';
import { InvitationsRepository } from './invitations.repository.js';
import { InvitationsService } from './invitations.service.js';
import { OwnInvitationsController } from './own-invitations.controller.js';
import { OwnInvitations } from './own-invitations.js';

@Module({
  imports: [AuditModule, MembersModule],
  controllers: [InvitationsController, OwnInvitationsController],
  providers: [InvitationsService, InvitationsRepository, OwnInvitations],
})
export class InvitationsModule {}

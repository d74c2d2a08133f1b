import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { User as Actor, type CurrentUser } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { CreateInvitation, Invitation, InvitationList } from './invitation.dto.js';
import { InvitationsService } from './invitations.service.js';

@ApiTags('members')
@Controller('api/v1/tenants/:tenantId/invitations')
export class InvitationsController {
  constructor(private readonly invitations: InvitationsService) {}

  @Get()
  @ApiOperation({ operationId: 'listInvitations', summary: 'Who is invited into the tenant and has not answered' })
  @ApiOkResponse({ standardSchema: InvitationList })
  @ApiProblems(401, 403, 404, 422, 503)
  listInvitations(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<InvitationList> {
    return this.invitations.list(tenantId, page);
  }

  @Post()
  @ApiOperation({
    operationId: 'createInvitation',
    summary: 'Invite somebody who has a login, whichever tenant keeps it; they become a member when they accept',
  })
  @ApiCreatedResponse({ standardSchema: Invitation })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  createInvitation(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Actor() actor: CurrentUser,
    @Body({ schema: CreateInvitation }) body: CreateInvitation,
  ): Promise<Invitation> {
    return this.invitations.create(tenantId, actor, body);
  }

  @Delete(':invitationId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteInvitation', summary: 'Withdraw an invitation' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 503)
  deleteInvitation(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('invitationId', { schema: Identifier }) invitationId: string,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.invitations.withdraw(tenantId, actor, invitationId);
  }
}

import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { Immediate } from '../../platform/http/writes/write.decorators.js';
import { OwnInvitationList } from './invitation.dto.js';
import { OwnInvitations } from './own-invitations.js';

@ApiTags('session')
@Immediate()
@Controller('api/v1/session/invitations')
export class OwnInvitationsController {
  constructor(private readonly invitations: OwnInvitations) {}

  @Get()
  @ApiOperation({ operationId: 'listOwnInvitations', summary: 'Tenants that the user is invited into, by name' })
  @ApiOkResponse({ standardSchema: OwnInvitationList })
  @ApiProblems(401, 403, 422, 503)
  listOwnInvitations(
    @User() user: CurrentUser,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<OwnInvitationList> {
    return this.invitations.list(user, page);
  }

  @Post(':invitationId/acceptance')
  @HttpCode(204)
  @ApiOperation({ operationId: 'acceptInvitation', summary: 'Become a member; the session stays in its tenant' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 503)
  acceptInvitation(
    @Param('invitationId', { schema: Identifier }) invitationId: string,
    @User() user: CurrentUser,
  ): Promise<void> {
    return this.invitations.accept(user, invitationId);
  }

  @Delete(':invitationId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'declineInvitation', summary: 'Decline an invitation, which is gone then' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 503)
  declineInvitation(
    @Param('invitationId', { schema: Identifier }) invitationId: string,
    @User() user: CurrentUser,
  ): Promise<void> {
    return this.invitations.decline(user, invitationId);
  }
}

import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { User as Actor, type CurrentUser } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { Member, MemberList, UpdateMember } from './member.dto.js';
import { MembersService } from './members.service.js';

@ApiTags('members')
@Controller('api/v1/tenants/:tenantId/members')
export class MembersController {
  constructor(private readonly members: MembersService) {}

  @Get()
  @ApiOperation({ operationId: 'listMembers', summary: 'Who has a role in the tenant, by name' })
  @ApiOkResponse({ standardSchema: MemberList })
  @ApiProblems(401, 403, 404, 422, 503)
  listMembers(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<MemberList> {
    return this.members.list(tenantId, page);
  }

  @Patch(':userId')
  @ApiOperation({ operationId: 'updateMember', summary: 'Give a member another role' })
  @ApiOkResponse({ standardSchema: Member })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  updateMember(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Actor() actor: CurrentUser,
    @Body({ schema: UpdateMember }) { role }: UpdateMember,
  ): Promise<Member> {
    return this.members.changeRole(tenantId, actor, userId, role);
  }

  @Delete(':userId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'removeMember',
    summary:
      'Remove a member; sessions in the tenant and API tokens for it end, and with the last membership the account',
  })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 503)
  removeMember(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.members.remove(tenantId, actor, userId);
  }
}

import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { User as Actor, type CurrentUser } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
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

  @Get(':userId')
  @ApiOperation({ operationId: 'readMember', summary: 'One member' })
  @ApiOkResponse({ standardSchema: Member, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 503)
  async readMember(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Member> {
    return withETag(response, await this.members.read(tenantId, userId));
  }

  @Patch(':userId')
  @ApiOperation({ operationId: 'updateMember', summary: 'Give a member another role' })
  @MayNameVersion('member')
  @ApiOkResponse({ standardSchema: Member, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 503)
  async updateMember(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Actor() actor: CurrentUser,
    @Body({ schema: UpdateMember }) { role }: UpdateMember,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Member> {
    return withETag(response, await this.members.changeRole({ tenantId, userId }, ifMatch, actor, role));
  }

  @Delete(':userId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'removeMember',
    summary:
      'Remove a member; sessions in the tenant and API tokens for it end, and with the last membership the account',
  })
  @MayNameVersion('member')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  removeMember(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.members.remove({ tenantId, userId }, ifMatch, actor);
  }
}

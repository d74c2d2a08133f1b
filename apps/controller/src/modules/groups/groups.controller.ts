import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { Group, GroupInput, GroupList } from './group.dto.js';
import { GroupsService } from './groups.service.js';

@ApiTags('groups')
@Controller('api/v1/tenants/:tenantId/groups')
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @ApiOperation({ operationId: 'listGroups', summary: 'Groups of the tenant, by name' })
  @ApiOkResponse({ standardSchema: GroupList })
  @ApiProblems(401, 404, 422, 503)
  listGroups(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<GroupList> {
    return this.groups.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createGroup', summary: 'Make a group' })
  @ApiCreatedResponse({ standardSchema: Group, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createGroup(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: GroupInput }) body: GroupInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Group> {
    return withETag(response, await this.groups.create(tenantId, body));
  }

  @Get(':groupId')
  @ApiOperation({ operationId: 'readGroup', summary: 'One group' })
  @ApiOkResponse({ standardSchema: Group, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readGroup(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('groupId', { schema: Identifier }) groupId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Group> {
    return withETag(response, await this.groups.read(tenantId, groupId));
  }

  @Put(':groupId')
  @ApiOperation({ operationId: 'replaceGroup', summary: 'Replace a whole group' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the group as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: Group, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceGroup(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('groupId', { schema: Identifier }) groupId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: GroupInput }) body: GroupInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Group> {
    return withETag(response, await this.groups.replace(tenantId, groupId, ifMatch, body));
  }

  @Delete(':groupId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteGroup', summary: 'Remove a group that no rule names' })
  @MayNameVersion('group')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteGroup(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('groupId', { schema: Identifier }) groupId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.groups.remove(tenantId, groupId, ifMatch);
  }
}

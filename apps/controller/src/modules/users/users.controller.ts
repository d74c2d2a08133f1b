import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { User as Actor, type CurrentUser } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { CreateUser, UpdateUser, User, UserList } from './user.dto.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@Controller('api/v1/tenants/:tenantId/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ operationId: 'listUsers', summary: 'Users whose account the tenant keeps, by name' })
  @ApiOkResponse({ standardSchema: UserList })
  @ApiProblems(401, 403, 404, 422, 503)
  listUsers(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<UserList> {
    return this.users.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createUser', summary: 'Let somebody log in' })
  @ApiCreatedResponse({ standardSchema: User, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 429, 503)
  async createUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Actor() actor: CurrentUser,
    @Body({ schema: CreateUser }) body: CreateUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<User> {
    return withETag(response, await this.users.create(tenantId, actor, body));
  }

  @Get(':userId')
  @ApiOperation({ operationId: 'readUser', summary: 'One user' })
  @ApiOkResponse({ standardSchema: User, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 503)
  async readUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<User> {
    return withETag(response, await this.users.read(tenantId, userId));
  }

  @Patch(':userId')
  @ApiOperation({ operationId: 'updateUser', summary: 'Give a user another role or another password' })
  @MayNameVersion('user')
  @ApiOkResponse({ standardSchema: User, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 429, 503)
  async updateUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Actor() actor: CurrentUser,
    @Body({ schema: UpdateUser }) body: UpdateUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<User> {
    return withETag(response, await this.users.update({ tenantId, userId }, ifMatch, actor, body));
  }

  @Delete(':userId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteUser',
    summary: 'Remove a user from the tenant; the account and its sessions end with its last membership',
  })
  @MayNameVersion('user')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.users.remove({ tenantId, userId }, ifMatch, actor);
  }

  @Delete(':userId/totp')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resetUserTotp',
    summary: 'Take away the second factor of a user who has lost it; the sessions end',
  })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 503)
  resetUserTotp(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.users.resetTotp(tenantId, actor, userId);
  }
}

import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { User as Actor, type CurrentUser } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
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
  @ApiCreatedResponse({ standardSchema: User })
  @ApiProblems(401, 403, 404, 409, 422, 429, 503)
  createUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Actor() actor: CurrentUser,
    @Body({ schema: CreateUser }) body: CreateUser,
  ): Promise<User> {
    return this.users.create(tenantId, actor, body);
  }

  @Get(':userId')
  @ApiOperation({ operationId: 'readUser', summary: 'One user' })
  @ApiOkResponse({ standardSchema: User })
  @ApiProblems(401, 403, 404, 503)
  readUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
  ): Promise<User> {
    return this.users.read(tenantId, userId);
  }

  @Patch(':userId')
  @ApiOperation({ operationId: 'updateUser', summary: 'Give a user another role or another password' })
  @ApiOkResponse({ standardSchema: User })
  @ApiProblems(401, 403, 404, 409, 422, 429, 503)
  updateUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Actor() actor: CurrentUser,
    @Body({ schema: UpdateUser }) body: UpdateUser,
  ): Promise<User> {
    return this.users.update(tenantId, actor, userId, body);
  }

  @Delete(':userId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteUser',
    summary: 'Remove a user from the tenant; the account and its sessions end with its last membership',
  })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 503)
  deleteUser(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('userId', { schema: Identifier }) userId: string,
    @Actor() actor: CurrentUser,
  ): Promise<void> {
    return this.users.remove(tenantId, actor, userId);
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

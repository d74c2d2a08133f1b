import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ShownOnce } from '../../platform/http/writes/write.decorators.js';
import { ApiTokenList, ApiTokenPage, CreateApiToken, NewApiToken } from './api-token.dto.js';
import { ApiTokensService } from './api-tokens.service.js';

@ApiTags('api-tokens')
@Controller('api/v1/tenants/:tenantId/api-tokens')
export class ApiTokensController {
  constructor(private readonly tokens: ApiTokensService) {}

  @Get()
  @ApiOperation({ operationId: 'listApiTokens', summary: 'Own API tokens; for an admin those of everybody' })
  @ApiOkResponse({ standardSchema: ApiTokenList })
  @ApiProblems(401, 404, 422, 503)
  listApiTokens(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @User() user: CurrentUser,
    @Query({ schema: ApiTokenPage }) page: PageRequest,
  ): Promise<ApiTokenList> {
    return this.tokens.list(tenantId, user, page);
  }

  @Post()
  @ShownOnce()
  @ApiOperation({ operationId: 'createApiToken', summary: 'Make an API token; it is shown once' })
  @ApiCreatedResponse({ standardSchema: NewApiToken })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  createApiToken(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @User() user: CurrentUser,
    @Body({ schema: CreateApiToken }) body: CreateApiToken,
  ): Promise<NewApiToken> {
    return this.tokens.create(tenantId, user, body);
  }

  @Delete(':tokenId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'revokeApiToken', summary: 'Revoke an API token, which is good for nothing at once' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 503)
  revokeApiToken(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('tokenId', { schema: Identifier }) tokenId: string,
    @User() user: CurrentUser,
  ): Promise<void> {
    return this.tokens.revoke(tenantId, user, tokenId);
  }
}

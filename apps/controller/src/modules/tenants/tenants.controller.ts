import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { CreateTenant, Tenant, TenantList, UpdateTenant } from './tenant.dto.js';
import { TenantsService } from './tenants.service.js';

@ApiTags('tenants')
@Controller('api/v1/tenants')
export class TenantsController {
  constructor(private readonly tenants: TenantsService) {}

  @Get()
  @ApiOperation({ operationId: 'listTenants', summary: 'Tenants that the user may enter, by name' })
  @ApiOkResponse({ standardSchema: TenantList })
  @ApiProblems(401, 422, 503)
  listTenants(@User() user: CurrentUser, @Query({ schema: PageByName }) page: PageRequest): Promise<TenantList> {
    return this.tenants.list(user, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createTenant', summary: 'Make a tenant' })
  @ApiCreatedResponse({ standardSchema: Tenant, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 409, 422, 503)
  async createTenant(
    @Body({ schema: CreateTenant }) body: CreateTenant,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Tenant> {
    return withETag(response, await this.tenants.create(body));
  }

  @Get(':tenantId')
  @ApiOperation({ operationId: 'readTenant', summary: 'One tenant' })
  @ApiOkResponse({ standardSchema: Tenant, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readTenant(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Tenant> {
    return withETag(response, await this.tenants.read(tenantId));
  }

  @Patch(':tenantId')
  @ApiOperation({ operationId: 'updateTenant', summary: 'Change how the fabric of a tenant works' })
  @MayNameVersion('tenant')
  @ApiOkResponse({ standardSchema: Tenant, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 412, 422, 503)
  async updateTenant(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: UpdateTenant }) body: UpdateTenant,
    @User() user: CurrentUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Tenant> {
    return withETag(response, await this.tenants.update(tenantId, ifMatch, user, body));
  }
}

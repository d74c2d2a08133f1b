import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
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
  @ApiCreatedResponse({ standardSchema: Tenant })
  @ApiProblems(401, 403, 409, 422, 503)
  createTenant(@Body({ schema: CreateTenant }) body: CreateTenant): Promise<Tenant> {
    return this.tenants.create(body);
  }

  @Get(':tenantId')
  @ApiOperation({ operationId: 'readTenant', summary: 'One tenant' })
  @ApiOkResponse({ standardSchema: Tenant })
  @ApiProblems(401, 404, 503)
  readTenant(@Param('tenantId', { schema: Identifier }) tenantId: string): Promise<Tenant> {
    return this.tenants.read(tenantId);
  }

  @Patch(':tenantId')
  @ApiOperation({ operationId: 'updateTenant', summary: 'Change how the fabric of a tenant works' })
  @ApiOkResponse({ standardSchema: Tenant })
  @ApiProblems(401, 403, 404, 422, 503)
  updateTenant(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: UpdateTenant }) body: UpdateTenant,
    @User() user: CurrentUser,
  ): Promise<Tenant> {
    return this.tenants.update(tenantId, user, body);
  }
}

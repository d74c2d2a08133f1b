import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { CreateSite, Site, SiteList, UpdateSite } from './site.dto.js';
import { SitesService } from './sites.service.js';

@ApiTags('sites')
@Controller('api/v1/tenants/:tenantId/sites')
export class SitesController {
  constructor(private readonly sites: SitesService) {}

  @Get()
  @ApiOperation({ operationId: 'listSites', summary: 'Sites of the tenant, by name' })
  @ApiOkResponse({ standardSchema: SiteList })
  @ApiProblems(401, 404, 422, 503)
  listSites(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<SiteList> {
    return this.sites.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createSite', summary: 'Make a site' })
  @ApiCreatedResponse({ standardSchema: Site, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createSite(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: CreateSite }) body: CreateSite,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Site> {
    return withETag(response, await this.sites.create(tenantId, body));
  }

  @Get(':siteId')
  @ApiOperation({ operationId: 'readSite', summary: 'One site' })
  @ApiOkResponse({ standardSchema: Site, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readSite(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('siteId', { schema: Identifier }) siteId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Site> {
    return withETag(response, await this.sites.read(tenantId, siteId));
  }

  @Patch(':siteId')
  @ApiOperation({ operationId: 'updateSite', summary: 'Change a site' })
  @MayNameVersion('site')
  @ApiOkResponse({ standardSchema: Site, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 503)
  async updateSite(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('siteId', { schema: Identifier }) siteId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: UpdateSite }) body: UpdateSite,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Site> {
    return withETag(response, await this.sites.update(tenantId, siteId, ifMatch, body));
  }

  @Delete(':siteId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteSite', summary: 'Remove a site that nothing refers to' })
  @MayNameVersion('site')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteSite(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('siteId', { schema: Identifier }) siteId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.sites.remove(tenantId, siteId, ifMatch);
  }
}

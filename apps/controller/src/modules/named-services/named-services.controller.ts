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
import { NamedService, NamedServiceInput, NamedServiceList } from './named-service.dto.js';
import { NamedServicesService } from './named-services.service.js';

@ApiTags('services')
@Controller('api/v1/tenants/:tenantId/services')
export class NamedServicesController {
  constructor(private readonly services: NamedServicesService) {}

  @Get()
  @ApiOperation({ operationId: 'listServices', summary: 'Named services of the tenant, by name' })
  @ApiOkResponse({ standardSchema: NamedServiceList })
  @ApiProblems(401, 404, 422, 503)
  listServices(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<NamedServiceList> {
    return this.services.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createService', summary: 'Make a named service' })
  @ApiCreatedResponse({ standardSchema: NamedService, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createService(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: NamedServiceInput }) body: NamedServiceInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NamedService> {
    return withETag(response, await this.services.create(tenantId, body));
  }

  @Get(':serviceId')
  @ApiOperation({ operationId: 'readService', summary: 'One named service' })
  @ApiOkResponse({ standardSchema: NamedService, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readService(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('serviceId', { schema: Identifier }) serviceId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NamedService> {
    return withETag(response, await this.services.read(tenantId, serviceId));
  }

  @Put(':serviceId')
  @ApiOperation({ operationId: 'replaceService', summary: 'Replace a whole named service' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the service as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: NamedService, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceService(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('serviceId', { schema: Identifier }) serviceId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: NamedServiceInput }) body: NamedServiceInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NamedService> {
    return withETag(response, await this.services.replace(tenantId, serviceId, ifMatch, body));
  }

  @Delete(':serviceId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteService', summary: 'Remove a named service that no rule names' })
  @MayNameVersion('service')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteService(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('serviceId', { schema: Identifier }) serviceId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.services.remove(tenantId, serviceId, ifMatch);
  }
}

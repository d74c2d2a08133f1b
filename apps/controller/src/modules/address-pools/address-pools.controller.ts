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
import { AddressPool, AddressPoolInput, AddressPoolList } from './address-pool.dto.js';
import { AddressPoolsService } from './address-pools.service.js';

@ApiTags('address pools')
@Controller('api/v1/tenants/:tenantId/address-pools')
export class AddressPoolsController {
  constructor(private readonly pools: AddressPoolsService) {}

  @Get()
  @ApiOperation({ operationId: 'listAddressPools', summary: 'Address pools of the tenant, by name' })
  @ApiOkResponse({ standardSchema: AddressPoolList })
  @ApiProblems(401, 404, 422, 503)
  listAddressPools(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<AddressPoolList> {
    return this.pools.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createAddressPool', summary: 'Make an address pool' })
  @ApiCreatedResponse({ standardSchema: AddressPool, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createAddressPool(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: AddressPoolInput }) body: AddressPoolInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AddressPool> {
    return withETag(response, await this.pools.create(tenantId, body));
  }

  @Get(':addressPoolId')
  @ApiOperation({ operationId: 'readAddressPool', summary: 'One address pool' })
  @ApiOkResponse({ standardSchema: AddressPool, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readAddressPool(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('addressPoolId', { schema: Identifier }) addressPoolId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AddressPool> {
    return withETag(response, await this.pools.read(tenantId, addressPoolId));
  }

  @Put(':addressPoolId')
  @ApiOperation({ operationId: 'replaceAddressPool', summary: 'Replace a whole address pool' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the address pool as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: AddressPool, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceAddressPool(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('addressPoolId', { schema: Identifier }) addressPoolId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: AddressPoolInput }) body: AddressPoolInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AddressPool> {
    return withETag(response, await this.pools.replace(tenantId, addressPoolId, ifMatch, body));
  }

  @Delete(':addressPoolId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteAddressPool',
    summary: 'Remove an address pool of which nothing is assigned, and that nothing names',
  })
  @MayNameVersion('address pool')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteAddressPool(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('addressPoolId', { schema: Identifier }) addressPoolId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.pools.remove(tenantId, addressPoolId, ifMatch);
  }
}

import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { CreateNetwork, Network, NetworkList, NetworkPage, UpdateNetwork } from './network.dto.js';
import { NetworksService } from './networks.service.js';

@ApiTags('networks')
@Controller('api/v1/tenants/:tenantId/networks')
export class NetworksController {
  constructor(private readonly networks: NetworksService) {}

  @Get()
  @ApiOperation({ operationId: 'listNetworks', summary: 'Networks of the tenant, by prefix' })
  @ApiOkResponse({ standardSchema: NetworkList })
  @ApiProblems(401, 404, 422, 503)
  listNetworks(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: NetworkPage }) page: PageRequest,
  ): Promise<NetworkList> {
    return this.networks.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createNetwork', summary: 'Put a network behind a site' })
  @ApiCreatedResponse({ standardSchema: Network, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: CreateNetwork }) body: CreateNetwork,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Network> {
    return withETag(response, await this.networks.create(tenantId, body));
  }

  @Get(':networkId')
  @ApiOperation({ operationId: 'readNetwork', summary: 'One network' })
  @ApiOkResponse({ standardSchema: Network, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('networkId', { schema: Identifier }) networkId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Network> {
    return withETag(response, await this.networks.read(tenantId, networkId));
  }

  @Patch(':networkId')
  @ApiOperation({ operationId: 'updateNetwork', summary: 'Change name or labels of a network' })
  @MayNameVersion('network')
  @ApiOkResponse({ standardSchema: Network, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 503)
  async updateNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('networkId', { schema: Identifier }) networkId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: UpdateNetwork }) body: UpdateNetwork,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Network> {
    return withETag(response, await this.networks.update(tenantId, networkId, ifMatch, body));
  }

  @Delete(':networkId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteNetwork', summary: 'Remove a network that no rule names' })
  @MayNameVersion('network')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('networkId', { schema: Identifier }) networkId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.networks.remove(tenantId, networkId, ifMatch);
  }
}

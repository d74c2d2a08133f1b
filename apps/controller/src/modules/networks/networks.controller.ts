import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
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
  @ApiCreatedResponse({ standardSchema: Network })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  createNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: CreateNetwork }) body: CreateNetwork,
  ): Promise<Network> {
    return this.networks.create(tenantId, body);
  }

  @Patch(':networkId')
  @ApiOperation({ operationId: 'updateNetwork', summary: 'Change name or labels of a network' })
  @ApiOkResponse({ standardSchema: Network })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  updateNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('networkId', { schema: Identifier }) networkId: string,
    @Body({ schema: UpdateNetwork }) body: UpdateNetwork,
  ): Promise<Network> {
    return this.networks.update(tenantId, networkId, body);
  }

  @Delete(':networkId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteNetwork', summary: 'Remove a network that no rule names' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 503)
  deleteNetwork(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('networkId', { schema: Identifier }) networkId: string,
  ): Promise<void> {
    return this.networks.remove(tenantId, networkId);
  }
}

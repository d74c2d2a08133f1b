import { Body, Controller, Get, Headers, Param, Put, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, withETag } from '../../platform/http/version-etag.js';
import { Topology, TopologyInput } from './topology.dto.js';
import { TopologyService } from './topology.service.js';

@ApiTags('tenants')
@Controller('api/v1/tenants/:tenantId/topology')
export class TopologyController {
  constructor(private readonly topology: TopologyService) {}

  @Get()
  @ApiOperation({ operationId: 'readTopology', summary: 'Which sites have tunnels with each other' })
  @ApiOkResponse({ standardSchema: Topology, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readTopology(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Topology> {
    return withETag(response, await this.topology.read(tenantId));
  }

  @Put()
  @ApiOperation({ operationId: 'replaceTopology', summary: 'Choose which sites have tunnels with each other' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the topology as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: Topology, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 412, 422, 428, 503)
  async replaceTopology(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: TopologyInput }) body: TopologyInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Topology> {
    return withETag(response, await this.topology.replace(tenantId, ifMatch, body));
  }
}

import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { TunnelList, TunnelListPage } from './tunnel.dto.js';
import { TunnelsService } from './tunnels.service.js';

@ApiTags('tunnels')
@Controller('api/v1/tenants/:tenantId/tunnels')
export class TunnelsController {
  constructor(private readonly tunnels: TunnelsService) {}

  @Get()
  @ApiOperation({
    operationId: 'listTunnels',
    summary: 'Tunnels of the newest revision with their state, counters and rates',
  })
  @ApiOkResponse({ standardSchema: TunnelList })
  @ApiProblems(401, 404, 422, 503)
  listTunnels(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: TunnelListPage }) page: PageRequest,
  ): Promise<TunnelList> {
    return this.tunnels.list(tenantId, page);
  }
}

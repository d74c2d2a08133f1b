import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { TrustState } from './trust.dto.js';
import { TrustService } from './trust.service.js';

@ApiTags('trust')
@Controller('api/v1/tenants/:tenantId/trust')
export class TrustController {
  constructor(private readonly trust: TrustService) {}

  @Get()
  @ApiOperation({
    operationId: 'readTrust',
    summary: 'Until when authorities and keys are good, which edges depend on them, and what to do',
  })
  @ApiOkResponse({ standardSchema: TrustState })
  @ApiProblems(401, 404, 503)
  readTrust(@Param('tenantId', { schema: Identifier }) tenantId: string): Promise<TrustState> {
    return this.trust.read(tenantId);
  }
}

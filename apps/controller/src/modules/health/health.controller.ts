import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Liveness, Readiness } from './health.dto.js';
import { HealthService } from './health.service.js';

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  @Get('healthz')
  @ApiOperation({ operationId: 'readLiveness', summary: 'Does the process answer?', security: [] })
  @ApiOkResponse({ standardSchema: Liveness })
  @ApiProblems()
  readLiveness(): Liveness {
    return { status: 'alive' };
  }

  @Get('readyz')
  @ApiOperation({
    operationId: 'readReadiness',
    summary: 'Can it serve requests: does the database answer?',
    security: [],
  })
  @ApiOkResponse({ standardSchema: Readiness })
  @ApiProblems(503)
  readReadiness(): Promise<Readiness> {
    return this.health.readiness();
  }
}

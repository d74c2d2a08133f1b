import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Database } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { AuditLog, AuditQuery } from './audit.dto.js';
import { AuditRepository } from './audit.repository.js';

@ApiTags('audit')
@Controller('api/v1/tenants/:tenantId/audit-entries')
export class AuditController {
  constructor(
    private readonly database: Database,
    private readonly entries: AuditRepository,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listAuditEntries',
    summary: 'Who did what, newest first, and whether the chain holds; of one actor, action, object or time',
  })
  @ApiOkResponse({ standardSchema: AuditLog })
  @ApiProblems(401, 404, 422, 503)
  async listAuditEntries(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: AuditQuery }) query: AuditQuery,
  ): Promise<AuditLog> {
    const { sql } = this.database;
    const { limit, ...filter } = query;
    const found = await this.entries.list(sql, tenantId, { ...filter, limit: limit + 1 });
    const items = found.slice(0, limit);
    return {
      items,
      next: found.length > limit ? (items.at(-1)?.sequence ?? null) : null,
      brokenAt: await this.entries.brokenAt(sql, tenantId),
    };
  }
}

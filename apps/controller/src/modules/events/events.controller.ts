import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { EdgeEventsRepository, type StoredEdgeEvent } from '../../observations/edge-events.repository.js';
import { safeNumber } from '../../observations/rates.js';
import { Database } from '../../platform/database/database.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { type EdgeEvent, EdgeEventList, EdgeEventQuery } from './event.dto.js';

@ApiTags('events')
@Controller('api/v1/tenants/:tenantId/events')
export class EventsController {
  constructor(
    private readonly database: Database,
    private readonly events: EdgeEventsRepository,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listEvents', summary: 'What edges told of themselves, newest first' })
  @ApiOkResponse({ standardSchema: EdgeEventList })
  @ApiProblems(401, 404, 422, 503)
  async listEvents(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: EdgeEventQuery }) { before, limit, ...filter }: EdgeEventQuery,
  ): Promise<EdgeEventList> {
    const cursor = before === undefined ? undefined : BigInt(before);
    const found = await this.events.list(this.database.sql, tenantId, { ...filter, before: cursor, limit: limit + 1 });
    const items = found.slice(0, limit).map(eventOf);
    return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
  }
}

function eventOf({ id, occurredAt, receivedAt, count, ...event }: StoredEdgeEvent): EdgeEvent {
  return {
    ...event,
    id: String(id),
    occurredAt: occurredAt.toISOString(),
    receivedAt: receivedAt.toISOString(),
    count: count === null ? null : safeNumber(BigInt(count)),
  };
}

import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import type { AuthenticatedRequest } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { parseEventId } from './event-position.js';
import { EventStreams } from './event-streams.js';
import { malformedLastEventId } from './events.errors.js';
import { EventStreamQuery } from './fabric-event.dto.js';

const STREAM =
  'Server-Sent Events. The data of each event is a FabricEvent; events have no name, so that `message` gets all of them. Two have one: ' +
  '`gap` (EventStreamGap) says that events are missing, `end` (EventStreamEnd) why the stream ends. Whoever comes back with ' +
  'Last-Event-ID, as browsers do, gets what came meanwhile: the newest 20,000 events of a tenant are kept. It ends with the ' +
  'session, token or role that opened it.';

/** Beside EventsController: nothing of it is JSON. */
@ApiTags('events')
@Controller('api/v1/tenants/:tenantId/events')
export class EventStreamController {
  constructor(private readonly streams: EventStreams) {}

  @Get('stream')
  @ApiOperation({
    operationId: 'streamEvents',
    summary: 'What happens in a tenant, as it happens',
    description: STREAM,
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'Id of the last event that was seen; goes before `after`.',
    schema: { type: 'string', examples: ['5f0c2a9e-4711'] },
  })
  @ApiOkResponse({
    description: 'Events, until one of the two has enough.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems(401, 403, 404, 422, 429, 503)
  async streamEvents(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: EventStreamQuery }) { after }: EventStreamQuery,
    @Headers('Last-Event-ID') lastEventId: string | undefined,
    @Req() request: AuthenticatedRequest,
    @Res() response: Response,
  ): Promise<void> {
    const text = lastEventId ?? after;
    const position = text === undefined ? undefined : parseEventId(text);
    if (text !== undefined && position === undefined) throw malformedLastEventId();
    await this.streams.serve(tenantId, 'streamEvents', request, response, position);
  }
}

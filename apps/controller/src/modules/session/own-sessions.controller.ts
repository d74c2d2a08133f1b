import { Controller, Delete, Get, HttpCode, Param, Query, Req } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByTime } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { sessionCookie } from '../../platform/http/session-cookie.js';
import { Immediate } from '../../platform/http/writes/write.decorators.js';
import { OwnSessionList } from './session.dto.js';
import { SessionService } from './session.service.js';

@ApiTags('session')
@Immediate()
@Controller('api/v1/sessions')
export class OwnSessionsController {
  constructor(private readonly sessions: SessionService) {}

  @Get()
  @ApiOperation({ operationId: 'listSessions', summary: 'Own sessions, the newest first' })
  @ApiOkResponse({ standardSchema: OwnSessionList })
  @ApiProblems(401, 403, 422, 503)
  listSessions(
    @User() user: CurrentUser,
    @Req() request: Request,
    @Query({ schema: PageByTime }) page: PageRequest,
  ): Promise<OwnSessionList> {
    return this.sessions.list(user, sessionCookie(request) ?? '', page);
  }

  @Delete(':sessionId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'endSession', summary: 'End one of the own sessions at once' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 503)
  endSession(@Param('sessionId', { schema: Identifier }) sessionId: string, @User() user: CurrentUser): Promise<void> {
    return this.sessions.end(user, sessionId);
  }
}

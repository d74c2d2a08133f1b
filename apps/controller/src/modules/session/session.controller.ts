import { Body, Controller, Delete, Get, HttpCode, Post, Put, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { clearSessionCookie, sessionCookie, setSessionCookie } from '../../platform/http/session-cookie.js';
import { Immediate } from '../../platform/http/writes/write.decorators.js';
import { ChangePassword, Credentials, EnterTenant, Session } from './session.dto.js';
import { SessionService, sessionOf } from './session.service.js';
import { originOf } from './session-origin.js';

@ApiTags('session')
@Immediate()
@Controller('api/v1/session')
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ operationId: 'createSession', summary: 'Log in; the answer sets the session cookie', security: [] })
  @ApiOkResponse({ standardSchema: Session })
  @ApiProblems(401, 403, 422, 429, 503)
  async createSession(
    @Body({ schema: Credentials }) credentials: Credentials,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Session> {
    const { secret, session } = await this.sessions.logIn(credentials, originOf(request));
    setSessionCookie(request, response, secret);
    return session;
  }

  @Get()
  @ApiOperation({ operationId: 'readSession', summary: 'Who is logged in' })
  @ApiOkResponse({ standardSchema: Session })
  @ApiProblems(401, 503)
  readSession(@User() user: CurrentUser): Session {
    return sessionOf(user);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteSession', summary: 'Log out' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 503)
  async deleteSession(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    await this.sessions.logOut(sessionCookie(request));
    clearSessionCookie(request, response);
  }

  @Put('tenant')
  @ApiOperation({
    operationId: 'enterTenant',
    summary: 'Work in another tenant; the answer sets another session cookie, and the one before is refused',
  })
  @ApiOkResponse({ standardSchema: Session })
  @ApiProblems(401, 403, 404, 422, 503)
  async enterTenant(
    @User() user: CurrentUser,
    @Body({ schema: EnterTenant }) { tenantId }: EnterTenant,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Session> {
    const before = sessionCookie(request) ?? '';
    const { secret, session } = await this.sessions.enter(user, tenantId, before, originOf(request));
    setSessionCookie(request, response, secret);
    return session;
  }

  @Put('password')
  @HttpCode(204)
  @ApiOperation({ operationId: 'changePassword', summary: 'Change the own password; all other sessions end' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 409, 422, 429, 503)
  changePassword(
    @User() user: CurrentUser,
    @Body({ schema: ChangePassword }) body: ChangePassword,
    @Req() request: Request,
  ): Promise<void> {
    return this.sessions.changePassword(user, body, sessionCookie(request) ?? '', request.ip ?? 'unix');
  }
}

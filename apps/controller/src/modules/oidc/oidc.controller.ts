import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ControllerConfig } from '../../config/controller-config.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { setSessionCookie } from '../../platform/http/session-cookie.js';
import { originOf } from '../session/session-origin.js';
import { consolePath, refusedPath } from './console-path.js';
import { LoginCookie } from './login-cookie.js';
import { BeginOidcLogin, LoginMethods } from './oidc.dto.js';
import { OidcLogin } from './oidc-login.js';
import { OidcRefusal } from './oidc-refusal.js';

/** Browsers come here themselves, and are sent on: also with what was refused, for the console to say. */
@ApiTags('session')
@Controller('api/v1/session')
export class OidcController {
  readonly #login: OidcLogin;
  readonly #cookie: LoginCookie;

  constructor(login: OidcLogin, config: ControllerConfig) {
    this.#login = login;
    this.#cookie = new LoginCookie(config.oidc?.redirectUri.protocol === 'https:');
  }

  @Get('methods')
  @ApiOperation({ operationId: 'readLoginMethods', summary: 'How to log in', security: [] })
  @ApiOkResponse({ standardSchema: LoginMethods })
  @ApiProblems()
  readLoginMethods(): LoginMethods {
    return this.#login.methods;
  }

  @Get('oidc')
  @ApiOperation({
    operationId: 'beginOidcLogin',
    summary: 'For browsers: go to the OpenID provider to log in',
    security: [],
  })
  @ApiFoundResponse({ description: 'To the provider, or back to the console with `refused`.' })
  @ApiProblems(404, 422, 503)
  async beginOidcLogin(
    @Query({ schema: BeginOidcLogin }) query: BeginOidcLogin,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const next = consolePath(query.next);
    await sendOn(response, next, async () => {
      const { url, ticket, lifeMilliseconds } = await this.#login.begin(next, originOf(request));
      this.#cookie.set(response, ticket, lifeMilliseconds);
      return url.href;
    });
  }

  @Get('oidc/callback')
  @ApiOperation({
    operationId: 'completeOidcLogin',
    summary: 'For browsers: come back from the OpenID provider with its answer; sets the session cookie',
    security: [],
  })
  @ApiFoundResponse({ description: 'To the console, logged in or with `refused`.' })
  @ApiProblems(404, 503)
  async completeOidcLogin(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    const ticket = this.#login.ticketOf(this.#cookie.read(request));
    const next = consolePath(ticket?.next);
    // Once: whatever comes of it, the next login has another one.
    this.#cookie.clear(response);
    await sendOn(response, next, async () => {
      const secret = await this.#login.complete(ticket, request.query, originOf(request));
      setSessionCookie(request, response, secret);
      return next;
    });
  }
}

async function sendOn(response: Response, next: string, work: () => Promise<string>): Promise<void> {
  const target = await work().catch((error: unknown) => {
    if (error instanceof OidcRefusal) return refusedPath(error.code, next);
    throw error;
  });
  response.status(302).location(target);
}

import { Body, Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Immediate } from '../../platform/http/writes/write.decorators.js';
import { ConfirmTotp, EnrollTotp, NewTotp, RecoveryCodes, RemoveTotp, Totp } from './totp.dto.js';
import { TotpService } from './totp.service.js';

@ApiTags('session')
@Immediate()
@Controller('api/v1/session/totp')
export class TotpController {
  constructor(private readonly totp: TotpService) {}

  @Get()
  @ApiOperation({ operationId: 'readTotp', summary: 'Whether a second factor is asked for at the own login' })
  @ApiOkResponse({ standardSchema: Totp })
  @ApiProblems(401, 403, 503)
  readTotp(@User() user: CurrentUser): Promise<Totp> {
    return this.totp.read(user);
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ operationId: 'enrollTotp', summary: 'Begin with a second factor; its secret is shown once' })
  @ApiOkResponse({ standardSchema: NewTotp })
  @ApiProblems(401, 403, 409, 422, 429, 503)
  enrollTotp(
    @User() user: CurrentUser,
    @Body({ schema: EnrollTotp }) body: EnrollTotp,
    @Req() request: Request,
  ): Promise<NewTotp> {
    return this.totp.enroll(user, body, request.ip ?? 'unix');
  }

  @Post('confirmation')
  @HttpCode(200)
  @ApiOperation({ operationId: 'confirmTotp', summary: 'Show that the authenticator works; codes are asked for then' })
  @ApiOkResponse({ standardSchema: RecoveryCodes })
  @ApiProblems(401, 403, 409, 422, 429, 503)
  confirmTotp(@User() user: CurrentUser, @Body({ schema: ConfirmTotp }) body: ConfirmTotp): Promise<RecoveryCodes> {
    return this.totp.confirm(user, body);
  }

  @Post('removal')
  @HttpCode(204)
  @ApiOperation({ operationId: 'removeTotp', summary: 'Remove the own second factor' })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 409, 422, 429, 503)
  removeTotp(
    @User() user: CurrentUser,
    @Body({ schema: RemoveTotp }) body: RemoveTotp,
    @Req() request: Request,
  ): Promise<void> {
    return this.totp.remove(user, body, request.ip ?? 'unix');
  }
}

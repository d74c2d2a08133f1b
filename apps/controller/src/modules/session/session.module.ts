import { Module } from '@nestjs/common';
import { AccessControl } from '../../platform/http/access-control.js';
import { ApiTokensModule } from '../api-tokens/api-tokens.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { BreakGlass } from '../break-glass/break-glass.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { SecondFactorsModule } from '../totp/second-factors.module.js';
import { FirstStart } from './first-start.js';
import { OwnSessionsController } from './own-sessions.controller.js';
import { Passwords } from './passwords.js';
import { SessionController } from './session.controller.js';
import { SessionService } from './session.service.js';
import { SessionAccessControl } from './session-access-control.js';
import { SessionsRepository } from './sessions.repository.js';

@Module({
  imports: [ApiTokensModule, AuditModule, SecondFactorsModule, TenantsModule],
  controllers: [SessionController, OwnSessionsController],
  providers: [
    SessionService,
    SessionsRepository,
    Passwords,
    FirstStart,
    BreakGlass,
    { provide: AccessControl, useClass: SessionAccessControl },
  ],
  exports: [AccessControl, Passwords, SessionService],
})
export class SessionModule {}

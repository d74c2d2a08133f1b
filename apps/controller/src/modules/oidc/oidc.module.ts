import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SessionModule } from '../session/session.module.js';
import { OidcController } from './oidc.controller.js';
import { OidcLogin } from './oidc-login.js';
import { OidcMemberships } from './oidc-memberships.js';
import { OidcProvider } from './oidc-provider.js';
import { OidcUsers } from './oidc-users.js';
import { OidcUsersRepository } from './oidc-users.repository.js';

@Module({
  imports: [AuditModule, SessionModule],
  controllers: [OidcController],
  providers: [OidcLogin, OidcMemberships, OidcProvider, OidcUsers, OidcUsersRepository],
})
export class OidcModule {}

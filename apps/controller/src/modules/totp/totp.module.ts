import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SessionModule } from '../session/session.module.js';
import { SecondFactorsModule } from './second-factors.module.js';
import { TotpController } from './totp.controller.js';
import { TotpService } from './totp.service.js';

@Module({
  imports: [AuditModule, SecondFactorsModule, SessionModule],
  controllers: [TotpController],
  providers: [TotpService],
})
export class TotpModule {}

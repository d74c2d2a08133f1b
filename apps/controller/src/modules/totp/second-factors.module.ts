import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SecondFactors } from './second-factors.js';
import { TotpRepository } from './totp.repository.js';

@Module({
  imports: [AuditModule],
  providers: [SecondFactors, TotpRepository],
  exports: [SecondFactors, TotpRepository],
})
export class SecondFactorsModule {}

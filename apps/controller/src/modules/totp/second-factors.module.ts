import { Module } from '@nestjs/common';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { AuditModule } from '../audit/audit.module.js';
import { SecondFactors } from './second-factors.js';
import { TotpRepository } from './totp.repository.js';

@Module({
  imports: [AuditModule],
  providers: [SecondFactors, TotpRepository, SecretBox],
  exports: [SecondFactors, TotpRepository, SecretBox],
})
export class SecondFactorsModule {}

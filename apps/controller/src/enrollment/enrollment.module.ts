import { Module } from '@nestjs/common';
import { EnrollmentGrpc } from './enrollment.grpc.js';
import { EnrollmentService } from './enrollment.service.js';
import { EnrollmentTokens } from './enrollment-tokens.js';
import { EnrollmentTokensRepository } from './enrollment-tokens.repository.js';

/** From a one-time token to an edge with a certificate. */
@Module({
  providers: [EnrollmentGrpc, EnrollmentService, EnrollmentTokens, EnrollmentTokensRepository],
  exports: [EnrollmentTokens],
})
export class EnrollmentModule {}

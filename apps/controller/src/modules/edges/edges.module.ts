import { Module } from '@nestjs/common';
import { EnrollmentModule } from '../../enrollment/enrollment.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { EdgesController } from './edges.controller.js';
import { EdgesRepository } from './edges.repository.js';
import { EdgesService } from './edges.service.js';

@Module({
  imports: [AuditModule, EnrollmentModule],
  controllers: [EdgesController],
  providers: [EdgesService, EdgesRepository],
  exports: [EdgesRepository],
})
export class EdgesModule {}

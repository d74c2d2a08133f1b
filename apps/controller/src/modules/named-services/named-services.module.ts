import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { NamedServicesController } from './named-services.controller.js';
import { NamedServicesRepository } from './named-services.repository.js';
import { NamedServicesService } from './named-services.service.js';

@Module({
  imports: [TenantsModule],
  controllers: [NamedServicesController],
  providers: [NamedServicesService, NamedServicesRepository],
  exports: [NamedServicesRepository],
})
export class NamedServicesModule {}

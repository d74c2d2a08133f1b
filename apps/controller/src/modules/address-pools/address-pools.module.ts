import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { AddressPoolsController } from './address-pools.controller.js';
import { AddressPoolsRepository } from './address-pools.repository.js';
import { AddressPoolsService } from './address-pools.service.js';

@Module({
  imports: [TenantsModule],
  controllers: [AddressPoolsController],
  providers: [AddressPoolsService, AddressPoolsRepository],
  exports: [AddressPoolsRepository],
})
export class AddressPoolsModule {}

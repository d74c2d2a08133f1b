import { Module } from '@nestjs/common';
import { IntentRepository } from '../revisions/intent.repository.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { AssignedAddresses } from './assigned-addresses.js';
import { AssignedAddressesRepository } from './assigned-addresses.repository.js';
import { ExternalPeerKeys } from './external-peer-keys.js';
import { ExternalPeersController } from './external-peers.controller.js';
import { ExternalPeersRepository } from './external-peers.repository.js';
import { ExternalPeersService } from './external-peers.service.js';

@Module({
  imports: [TenantsModule],
  controllers: [ExternalPeersController],
  providers: [
    ExternalPeersService,
    ExternalPeersRepository,
    AssignedAddresses,
    AssignedAddressesRepository,
    ExternalPeerKeys,
    IntentRepository,
  ],
  exports: [ExternalPeersRepository, AssignedAddressesRepository, ExternalPeerKeys],
})
export class ExternalPeersModule {}

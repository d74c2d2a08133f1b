import { Module } from '@nestjs/common';
import { TunnelsController } from './tunnels.controller.js';
import { TunnelsRepository } from './tunnels.repository.js';
import { TunnelsService } from './tunnels.service.js';

@Module({ controllers: [TunnelsController], providers: [TunnelsService, TunnelsRepository] })
export class TunnelsModule {}

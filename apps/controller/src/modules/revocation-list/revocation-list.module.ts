import { Module } from '@nestjs/common';
import { RevocationListController } from './revocation-list.controller.js';

@Module({ controllers: [RevocationListController] })
export class RevocationListModule {}

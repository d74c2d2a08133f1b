import { Module } from '@nestjs/common';
import { RevisionsModule } from '../revisions/revisions.module.js';
import { ExplanationsController } from './explanations.controller.js';
import { ExplanationsService } from './explanations.service.js';

@Module({ imports: [RevisionsModule], controllers: [ExplanationsController], providers: [ExplanationsService] })
export class ExplanationsModule {}

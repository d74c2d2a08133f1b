import { Module } from '@nestjs/common';
import { MetricsModule } from '../../metrics/metrics.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { WebhookQueue } from './webhook-queue.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

@Module({
  imports: [AuditModule, MetricsModule],
  controllers: [WebhooksController],
  providers: [WebhooksService, WebhooksRepository, WebhookQueue, WebhookSender],
})
export class WebhooksModule {}

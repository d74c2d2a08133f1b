import { Module } from '@nestjs/common';
import { ControllerMetrics } from './controller-metrics.js';
import { EventCounts } from './event-counts.js';
import { MetricsServer } from './metrics-server.js';

/** What the controller counts, for Prometheus. */
@Module({
  providers: [ControllerMetrics, EventCounts, MetricsServer],
  exports: [ControllerMetrics, EventCounts, MetricsServer],
})
export class MetricsModule {}

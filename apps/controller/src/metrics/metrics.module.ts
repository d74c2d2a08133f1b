import { Module } from '@nestjs/common';
import { ControllerMetrics } from './controller-metrics.js';
import { MetricsServer } from './metrics-server.js';

/** What the controller counts, for Prometheus. */
@Module({ providers: [ControllerMetrics, MetricsServer], exports: [ControllerMetrics, MetricsServer] })
export class MetricsModule {}

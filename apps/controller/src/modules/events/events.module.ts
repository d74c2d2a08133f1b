import { Module } from '@nestjs/common';
import { MetricsModule } from '../../metrics/metrics.module.js';
import { SessionModule } from '../session/session.module.js';
import { EventStreamController } from './event-stream.controller.js';
import { EventStreams } from './event-streams.js';
import { EventsController } from './events.controller.js';
import { FabricEventsRepository } from './fabric-events.repository.js';

@Module({
  imports: [SessionModule, MetricsModule],
  controllers: [EventsController, EventStreamController],
  providers: [EventStreams, FabricEventsRepository],
})
export class EventsModule {}

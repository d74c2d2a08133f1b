import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { Clock } from './clock/clock.js';
import { ControllerEpoch } from './database/controller-epoch.js';
import { Database } from './database/database.js';
import { DatabaseScopes } from './database/database-scope.js';
import { LOGGER } from './logging/logger.js';
import { SecretBox } from './secrets/secret-box.js';

/** What every module may inject: ControllerConfig, the logger, Clock, DatabaseScopes, Database, ControllerEpoch, SecretBox. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a Nest module is a class
export class PlatformModule {
  static register(config: ControllerConfig, logger: Logger): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        { provide: ControllerConfig, useValue: config },
        { provide: LOGGER, useValue: logger },
        Clock,
        DatabaseScopes,
        Database,
        ControllerEpoch,
        SecretBox,
      ],
      exports: [ControllerConfig, LOGGER, Clock, DatabaseScopes, Database, ControllerEpoch, SecretBox],
    };
  }
}

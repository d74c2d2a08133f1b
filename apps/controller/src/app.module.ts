import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { CompilerModule } from './compiler/compiler.module.js';
import type { ControllerConfig } from './config/controller-config.js';
import { EnrollmentModule } from './enrollment/enrollment.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { RestModule } from './modules/rest.module.js';
import { PkiModule } from './pki/pki.module.js';
import { GrpcModule } from './platform/grpc/grpc.module.js';
import { PlatformModule } from './platform/platform.module.js';
import { SouthboundModule } from './southbound/southbound.module.js';

/** The whole controller. Each half of it is one line in `imports`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: a Nest module is a class
export class AppModule {
  static register(config: ControllerConfig, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.register(config, logger),
        CompilerModule,
        PkiModule,
        GrpcModule,
        EnrollmentModule,
        SouthboundModule,
        RestModule,
        MetricsModule,
      ],
    };
  }
}

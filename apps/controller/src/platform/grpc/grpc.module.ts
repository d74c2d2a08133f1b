import { Global, Module } from '@nestjs/common';
import { PkiModule } from '../../pki/pki.module.js';
import { EnrollmentServer } from './enrollment-server.js';
import { ServerCertificates } from './server-certificates.js';
import { SessionServer } from './session-server.js';

/** The two gRPC doors. Whoever serves something registers it in onModuleInit; the Controller opens them last. */
@Global()
@Module({
  imports: [PkiModule],
  providers: [ServerCertificates, SessionServer, EnrollmentServer],
  exports: [SessionServer, EnrollmentServer],
})
export class GrpcModule {}

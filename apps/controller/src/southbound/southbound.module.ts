import { Global, Module } from '@nestjs/common';
import { Distribution } from '../distribution/distribution.js';
import { EdgeBundlesRepository } from '../distribution/edge-bundles.repository.js';
import { FabricStore } from '../distribution/fabric-store.js';
import { PreSharedKeys } from '../distribution/pre-shared-keys.js';
import { ProtectedNetworksRepository } from '../distribution/protected-networks.repository.js';
import { KeyShareCounts } from '../key-shares/key-share-counts.js';
import { KeyShareRelay } from '../key-shares/key-share-relay.js';
import { KeySharesRepository } from '../key-shares/key-shares.repository.js';
import { KeyingService } from '../keying/keying-service.js';
import { EdgeEventsRepository } from '../observations/edge-events.repository.js';
import { EdgeStates } from '../observations/edge-states.js';
import { PolicyCounters } from '../observations/policy-counters.js';
import { StatusReports } from '../observations/status-reports.js';
import { TunnelStates } from '../observations/tunnel-states.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { ConnectionJournal } from './connection-journal.js';
import { EdgeAuthentication } from './edge-authentication.js';
import { SessionRegistry } from './session-registry.js';
import { SouthboundSessionService } from './southbound-session.service.js';

/** The southbound half: sessions, distribution of bundles, keying, observations. */
@Global()
@Module({
  providers: [
    EdgeBundlesRepository,
    FabricStore,
    ProtectedNetworksRepository,
    PreSharedKeys,
    KeyingService,
    KeySharesRepository,
    KeyShareCounts,
    KeyShareRelay,
    SessionRegistry,
    Distribution,
    StatusReports,
    EdgeEventsRepository,
    EdgeStates,
    TunnelStates,
    PolicyCounters,
    EdgeAuthentication,
    CertificateRenewal,
    ConnectionJournal,
    SouthboundSessionService,
  ],
  exports: [
    Distribution,
    ProtectedNetworksRepository,
    EdgeEventsRepository,
    EdgeStates,
    TunnelStates,
    PolicyCounters,
    KeyShareCounts,
    SouthboundSessionService,
  ],
})
export class SouthboundModule {}

import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  type EdgeEvents,
  type Hello,
  type SessionRequest,
  type SessionServiceServer,
  SessionServiceService,
  type TrustHeld,
  type Welcome,
} from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { Distribution } from '../distribution/distribution.js';
import { ProtectedNetworksRepository } from '../distribution/protected-networks.repository.js';
import { KeyShareRelay } from '../key-shares/key-share-relay.js';
import { KeyingService } from '../keying/keying-service.js';
import { EdgeEventsRepository } from '../observations/edge-events.repository.js';
import { StatusReports } from '../observations/status-reports.js';
import { BundleSigner } from '../pki/bundle-signer.js';
import { CertificateAuthority } from '../pki/certificate-authority.js';
import type { EdgeCertificateIdentity } from '../pki/edge-identity.js';
import { EdgeTrustRepository } from '../pki/edge-trust.repository.js';
import type { SigningKeySuccession } from '../pki/signing-key-succession.js';
import { Clock } from '../platform/clock/clock.js';
import { ControllerEpoch } from '../platform/database/controller-epoch.js';
import { Database } from '../platform/database/database.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { tenantScope } from '../platform/database/database-scope.js';
import { SessionServer } from '../platform/grpc/session-server.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { ConnectionJournal, type DisconnectCause } from './connection-journal.js';
import { EdgeAuthentication } from './edge-authentication.js';
import { endCall, GrpcEdgeSession, type SessionCall } from './grpc-edge-session.js';
import { IncomingMessages } from './incoming-messages.js';
import { malformed, ProtocolError } from './protocol-error.js';
import {
  checkEvents,
  checkExpiring,
  checkHello,
  checkKeyShare,
  checkResult,
  checkStatus,
  checkTrust,
} from './session-messages.js';
import { SessionRegistry } from './session-registry.js';
import { trustBundleOf } from './trust-bundle-of.js';

/** The SessionService of the southbound contract: one stream per edge. Messages of one edge are worked in in order. */
@Injectable()
export class SouthboundSessionService implements OnModuleInit, OnApplicationShutdown {
  readonly #server: SessionServer;
  readonly #config: ControllerConfig;
  readonly #epoch: ControllerEpoch;
  readonly #clock: Clock;
  readonly #authentication: EdgeAuthentication;
  readonly #renewal: CertificateRenewal;
  readonly #sessions: SessionRegistry;
  readonly #distribution: Distribution;
  readonly #authority: CertificateAuthority;
  readonly #signer: BundleSigner;
  readonly #trust: EdgeTrustRepository;
  readonly #keying: KeyingService;
  readonly #relay: KeyShareRelay;
  readonly #reports: StatusReports;
  readonly #events: EdgeEventsRepository;
  readonly #connections: ConnectionJournal;
  readonly #database: Database;
  readonly #protectedNetworks: ProtectedNetworksRepository;
  readonly #logger: Logger;
  readonly #served = new Set<Promise<void>>();
  #stopping = false;

  constructor(
    server: SessionServer,
    config: ControllerConfig,
    epoch: ControllerEpoch,
    clock: Clock,
    authentication: EdgeAuthentication,
    renewal: CertificateRenewal,
    sessions: SessionRegistry,
    distribution: Distribution,
    authority: CertificateAuthority,
    signer: BundleSigner,
    trust: EdgeTrustRepository,
    keying: KeyingService,
    relay: KeyShareRelay,
    reports: StatusReports,
    events: EdgeEventsRepository,
    connections: ConnectionJournal,
    database: Database,
    protectedNetworks: ProtectedNetworksRepository,
    @InjectLogger() logger: Logger,
  ) {
    this.#server = server;
    this.#config = config;
    this.#epoch = epoch;
    this.#clock = clock;
    this.#authentication = authentication;
    this.#renewal = renewal;
    this.#sessions = sessions;
    this.#distribution = distribution;
    this.#authority = authority;
    this.#signer = signer;
    this.#trust = trust;
    this.#keying = keying;
    this.#relay = relay;
    this.#reports = reports;
    this.#events = events;
    this.#connections = connections;
    this.#database = database;
    this.#protectedNetworks = protectedNetworks;
    this.#logger = logger.child({ component: 'southbound' });
  }

  onModuleInit(): void {
    const implementation: SessionServiceServer = {
      session: (call) => this.#serve(call),
      renewCertificate: (call, callback) => this.#renewal.serve(call, callback),
    };
    this.#server.register(SessionServiceService, implementation);
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    for (const session of this.#sessions.all())
      session.end('UNAVAILABLE', 'the controller is stopping; reconnect later');
    await Promise.all(this.#served);
  }

  #serve(call: SessionCall): void {
    const served = this.#session(call).finally(() => this.#served.delete(served));
    this.#served.add(served);
  }

  async #session(call: SessionCall): Promise<void> {
    let identity: EdgeCertificateIdentity | undefined;
    try {
      const messages = new IncomingMessages<SessionRequest>(call);
      const hello = await this.#awaitHello(messages);
      if (hello === undefined) {
        call.end();
        return;
      }
      identity = await this.#authentication.identify(call);
      await this.#converse(new GrpcEdgeSession(call, identity, hello, this.#clock.now()), hello, messages);
      call.end();
    } catch (error) {
      this.#refuse(call, identity, error);
    }
  }

  async #converse(session: GrpcEdgeSession, hello: Hello, messages: IncomingMessages<SessionRequest>): Promise<void> {
    if (!this.#sessions.claim(session)) {
      throw new ProtocolError(
        'ALREADY_EXISTS',
        'another instance with the identity of this edge is connected; stop it, or enroll this one as an edge of its own',
      );
    }
    const { edgeId, tenantId, agentVersion, bootId } = session;
    this.#logger.info({ edgeId, tenantId, agentVersion, bootId }, 'edge connected');
    this.#connections.connected(session);
    let cause: DisconnectCause = 'stream_ended';
    try {
      session.send({
        $case: 'welcome',
        value: {
          epoch: this.#epoch.value,
          statusIntervalMilliseconds: this.#config.statusIntervalMilliseconds,
          takesEvents: true,
          relaysKeyShares: true,
          ...signingKeysOf(this.#signer.successions),
          ...trustBundleOf(this.#authority, this.#signer),
          ...(hello.running === undefined && (await this.#toCloseFirst(session))),
        },
      });
      await this.#distribution.sessionOpened(session, hello);
      for (;;) {
        const next = await messages.next();
        if (next === undefined) return;
        await this.#absorb(session, next);
      }
    } catch (error) {
      cause = error instanceof ProtocolError ? 'protocol_error' : 'internal_error';
      throw error;
    } finally {
      session.close();
      this.#sessions.release(session);
      this.#distribution.sessionClosed(session);
      this.#logger.info({ edgeId, tenantId }, 'edge disconnected');
      // That a controller stops says nothing of its edges; they run on, and are connected again as soon as they find one.
      if (!this.#stopping) this.#connections.disconnected(session, cause);
    }
  }

  /** For an edge without a bundle. One that is not told keeps what enrollment said. */
  async #toCloseFirst(session: GrpcEdgeSession): Promise<Pick<Welcome, 'protectedNetworks'>> {
    const { tenantId, edgeId } = session;
    try {
      const work = () => this.#protectedNetworks.of(this.#database.sql, { tenantId, edgeId });
      const protectedNetworks = await this.#database.within(tenantScope(tenantId), work);
      return { protectedNetworks };
    } catch (error) {
      this.#logger.warn({ err: error, edgeId }, 'an edge without a bundle is not told what to keep closed');
      return {};
    }
  }

  async #absorb(session: GrpcEdgeSession, { message }: SessionRequest): Promise<void> {
    switch (message?.$case) {
      case 'hello':
        throw malformed('hello', 'only the first message of a stream may be one');
      case 'bundleAck':
        return this.#distribution.acknowledged(session, message.value);
      case 'bundleNack':
        return this.#distribution.refused(session, message.value);
      case 'securityAssociationResult':
        checkResult(message.value);
        if (!this.#keying.answered(session.edgeId, message.value)) {
          throw malformed('security_association_result.command_id', 'answers no command that waits for an answer');
        }
        return;
      case 'securityAssociationExpiring':
        return this.#keying.expiring(session.edgeId, checkExpiring(message.value));
      case 'status':
        checkStatus(message.value);
        return this.#reports.record(session.edgeId, session.bootId, message.value);
      case 'events':
        return this.#storeEvents(session, message.value);
      case 'trustHeld':
        return this.#storeTrust(session, message.value);
      case 'keyShare':
        checkKeyShare(message.value);
        return this.#relay.received(session, message.value);
      case undefined:
        throw malformed('message', 'is empty or of a kind that this controller does not know');
    }
  }

  /** What could not be stored is not confirmed: the edge says it again. */
  async #storeEvents(session: GrpcEdgeSession, value: EdgeEvents): Promise<void> {
    const number = checkEvents(value);
    try {
      await this.#database.within(tenantScope(session.tenantId), () =>
        this.#database.transaction((sql) => this.#events.store(sql, session, value.events)),
      );
    } catch (error) {
      this.#logger.warn({ err: error, edgeId: session.edgeId }, 'events are not stored; the edge sends them again');
      return;
    }
    session.send({ $case: 'eventsStored', value: { number } });
  }

  /** What could not be stored is said again with the next session; meanwhile the edge counts as one that depends on the old. */
  async #storeTrust(session: GrpcEdgeSession, value: TrustHeld): Promise<void> {
    checkTrust(value);
    try {
      await this.#database.within(tenantScope(session.tenantId), () =>
        this.#database.transaction((sql) => this.#trust.record(sql, session, value)),
      );
    } catch (error) {
      this.#logger.warn({ err: error, edgeId: session.edgeId }, 'what an edge trusts is not stored');
    }
  }

  /** The first message; undefined when the stream ends before it. */
  async #awaitHello(messages: IncomingMessages<SessionRequest>): Promise<Hello | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new ProtocolError('DEADLINE_EXCEEDED', 'hello: did not arrive in time')),
        HELLO_TIMEOUT_MILLISECONDS,
      );
    });
    try {
      const first = await Promise.race([messages.next(), late]);
      if (first === undefined) return undefined;
      if (first.message?.$case !== 'hello') throw malformed('message', 'the first one of a stream must be hello');
      checkHello(first.message.value);
      return first.message.value;
    } finally {
      clearTimeout(timer);
    }
  }

  #refuse(call: SessionCall, identity: EdgeCertificateIdentity | undefined, error: unknown): void {
    const edgeId = identity?.edgeId;
    if (call.cancelled) return;
    if (error instanceof ProtocolError) {
      this.#logger.warn({ edgeId, peer: call.getPeer(), code: error.code }, `session refused: ${error.message}`);
      endCall(call, error.code, error.message);
    } else if (error instanceof DatabaseUnavailableError) {
      this.#logger.warn({ edgeId, err: error }, 'session refused: no database');
      endCall(call, 'UNAVAILABLE', 'the controller cannot reach its database; try again later');
    } else {
      this.#logger.error({ edgeId, err: error }, 'session failed');
      endCall(call, 'INTERNAL', 'internal error; see the log of the controller');
    }
  }
}

function signingKeysOf(successions: readonly SigningKeySuccession[]): Pick<Welcome, 'signingKeys'> {
  return successions.length === 0 ? {} : { signingKeys: { successions: [...successions] } };
}

/** An edge speaks first, and at once. */
const HELLO_TIMEOUT_MILLISECONDS = 10_000;

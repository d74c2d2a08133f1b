import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../../config/controller-config.js';
import { Clock } from '../clock/clock.js';
import { InjectLogger } from '../logging/logger.js';
import { GrpcListener } from './grpc-listener.js';
import { ServerCertificates } from './server-certificates.js';

/**
 * The door for enrolled edges: mutual TLS, client certificates verified against our root (chain, validity, usage).
 * Whether one is revoked is for the service behind it to ask. Register services in onModuleInit.
 */
@Injectable()
export class SessionServer extends GrpcListener {
  readonly #certificates: ServerCertificates;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(
    config: ControllerConfig,
    certificates: ServerCertificates,
    clock: Clock,
    @InjectLogger() logger: Logger,
  ) {
    super({
      variable: 'WEFT_SESSION_LISTEN',
      where: config.session,
      maximumConnections: CONNECTIONS_MAXIMUM,
      options: {
        'grpc.max_receive_message_length': MESSAGE_MAXIMUM_OCTETS,
        'grpc.max_send_message_length': MESSAGE_MAXIMUM_OCTETS,
        'grpc.max_concurrent_streams': STREAMS_MAXIMUM,
      },
    });
    this.#certificates = certificates;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): Promise<void> {
    return this.open(this.#certificates.credentials('required'), this.#clock, this.#logger);
  }
}

/** A bundle has at most 16 MiB; the rest is its envelope. */
const MESSAGE_MAXIMUM_OCTETS = 20 * 1024 * 1024;
/** A connection is one edge, and an edge needs one stream; a few for a reconnect that overlaps. */
const STREAMS_MAXIMUM = 8;
/** Far above what one controller serves; below what would exhaust its file descriptors silently. */
const CONNECTIONS_MAXIMUM = 20_000;

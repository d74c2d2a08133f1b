import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../../config/controller-config.js';
import { Clock } from '../clock/clock.js';
import { InjectLogger } from '../logging/logger.js';
import { GrpcListener } from './grpc-listener.js';
import { ServerCertificates } from './server-certificates.js';

/** The door for machines that are no edge yet: server TLS only, small messages, short connections. */
@Injectable()
export class EnrollmentServer extends GrpcListener {
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
      variable: 'WEFT_ENROLLMENT_LISTEN',
      where: config.enrollment,
      maximumConnections: CONNECTIONS_MAXIMUM,
      options: {
        'grpc.max_receive_message_length': MESSAGE_MAXIMUM_OCTETS,
        'grpc.max_send_message_length': MESSAGE_MAXIMUM_OCTETS,
        'grpc.max_concurrent_streams': STREAMS_MAXIMUM,
        'grpc.max_connection_idle_ms': IDLE_MILLISECONDS,
        'grpc.max_connection_age_ms': AGE_MILLISECONDS,
        'grpc.max_connection_age_grace_ms': IDLE_MILLISECONDS,
      },
    });
    this.#certificates = certificates;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): Promise<void> {
    return this.open(this.#certificates.credentials('anonymous'), this.#clock, this.#logger);
  }
}

const MESSAGE_MAXIMUM_OCTETS = 64 * 1024;
const STREAMS_MAXIMUM = 4;
const IDLE_MILLISECONDS = 10_000;
const AGE_MILLISECONDS = 60_000;
/** Anybody may knock here; a connection lives a minute at most. */
const CONNECTIONS_MAXIMUM = 500;

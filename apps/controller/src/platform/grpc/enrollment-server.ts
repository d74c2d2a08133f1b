import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../../config/controller-config.js';
import { GrpcListener } from './grpc-listener.js';
import { ServerCertificates } from './server-certificates.js';

/** The door for machines that are no edge yet: server TLS only, small messages, short connections. */
@Injectable()
export class EnrollmentServer extends GrpcListener {
  readonly #certificates: ServerCertificates;

  constructor(config: ControllerConfig, certificates: ServerCertificates) {
    super('WEFT_ENROLLMENT_LISTEN', config.enrollment, {
      'grpc.max_receive_message_length': MESSAGE_MAXIMUM_OCTETS,
      'grpc.max_send_message_length': MESSAGE_MAXIMUM_OCTETS,
      'grpc.max_concurrent_streams': STREAMS_MAXIMUM,
      'grpc.max_connection_idle_ms': IDLE_MILLISECONDS,
      'grpc.max_connection_age_ms': AGE_MILLISECONDS,
      'grpc.max_connection_age_grace_ms': IDLE_MILLISECONDS,
    });
    this.#certificates = certificates;
  }

  start(): Promise<void> {
    return this.open(this.#certificates.credentials('anonymous'));
  }
}

const MESSAGE_MAXIMUM_OCTETS = 64 * 1024;
const STREAMS_MAXIMUM = 4;
const IDLE_MILLISECONDS = 10_000;
const AGE_MILLISECONDS = 60_000;

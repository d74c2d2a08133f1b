import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../../config/controller-config.js';
import { GrpcListener } from './grpc-listener.js';
import { ServerCertificates } from './server-certificates.js';

/**
 * The door for enrolled edges: mutual TLS, client certificates verified against our root (chain, validity, usage).
 * Whether one is revoked is for the service behind it to ask. Register services in onModuleInit.
 */
@Injectable()
export class SessionServer extends GrpcListener {
  readonly #certificates: ServerCertificates;

  constructor(config: ControllerConfig, certificates: ServerCertificates) {
    super('WEFT_SESSION_LISTEN', config.session, {
      'grpc.max_receive_message_length': MESSAGE_MAXIMUM_OCTETS,
      'grpc.max_send_message_length': MESSAGE_MAXIMUM_OCTETS,
      'grpc.max_concurrent_streams': STREAMS_MAXIMUM,
    });
    this.#certificates = certificates;
  }

  start(): Promise<void> {
    return this.open(this.#certificates.credentials('required'));
  }
}

/** A bundle has at most 16 MiB; the rest is its envelope. */
const MESSAGE_MAXIMUM_OCTETS = 20 * 1024 * 1024;
/** A connection is one edge, and an edge needs one stream; a few for a reconnect that overlaps. */
const STREAMS_MAXIMUM = 8;

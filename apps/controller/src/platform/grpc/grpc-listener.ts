import grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { TcpListenAddress } from '../../config/controller-config.js';
import { formatHostPort } from '../../config/listen-address.js';
import type { Clock } from '../clock/clock.js';
import { ListenError } from '../listening/listen-error.js';
import { type CutConnections, watchTls } from './tls-watch.js';

/** What makes one door different from the other. */
export interface GrpcDoor {
  /** The environment variable that chose the address, for errors. */
  readonly variable: string;
  readonly where: TcpListenAddress;
  readonly maximumConnections: number;
  readonly options: grpc.ServerOptions;
}

/** One gRPC door: services are registered while the modules initialise, then it is opened, once. */
export class GrpcListener {
  readonly #server: grpc.Server;
  readonly #variable: string;
  readonly #where: TcpListenAddress;
  readonly #maximumConnections: number;
  #port: number | undefined;
  #cutConnections: CutConnections | undefined;

  constructor(door: GrpcDoor) {
    this.#server = new grpc.Server({ ...COMMON_OPTIONS, ...door.options });
    this.#variable = door.variable;
    this.#where = door.where;
    this.#maximumConnections = door.maximumConnections;
  }

  /** Before open() only. */
  register<Implementation extends grpc.UntypedServiceImplementation>(
    definition: grpc.ServiceDefinition<Implementation>,
    implementation: Implementation,
  ): void {
    this.#server.addService(definition, implementation);
  }

  /** The port that is bound; before open() the one that is wanted, which may be 0. */
  get port(): number {
    return this.#port ?? this.#where.port;
  }

  /** host:port */
  get address(): string {
    return formatHostPort(this.#where.host, this.port);
  }

  /** Throws ListenError. */
  async open(credentials: grpc.ServerCredentials, clock: Clock, logger: Logger): Promise<void> {
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(this.address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(ListenError.from(this.#variable, this.address, asErrno(error)));
      });
    });
    this.#cutConnections = watchTls(this.#server, {
      variable: this.#variable,
      maximumConnections: this.#maximumConnections,
      logger: logger.child({ component: 'grpc' }),
      now: () => clock.monotonicMilliseconds(),
    });
  }

  /** Takes no new connection or call, waits for those under way, cuts them after GRACE_MILLISECONDS. Idempotent. */
  async close(): Promise<void> {
    const timer = setTimeout(() => {
      this.#server.forceShutdown();
      this.#cutConnections?.();
    }, GRACE_MILLISECONDS);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(timer);
  }
}

/** grpc-js wraps the reason in its text; take the errno out again. */
function asErrno(error: Error): Error {
  const code = /\b(E[A-Z]{4,})\b/.exec(error.message)?.[1];
  return code === undefined ? error : Object.assign(new Error(error.message), { code });
}

const KEEPALIVE_MILLISECONDS = 5_000;
const GRACE_MILLISECONDS = 3_000;

/** A dead peer is noticed in ten seconds, whatever TCP thinks. */
const COMMON_OPTIONS: grpc.ServerOptions = {
  'grpc.keepalive_time_ms': KEEPALIVE_MILLISECONDS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_MILLISECONDS,
  'grpc.enable_channelz': 0,
};

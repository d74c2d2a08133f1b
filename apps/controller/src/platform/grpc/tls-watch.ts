import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { AttemptLimiter } from '../limits/attempt-limiter.js';

export interface TlsWatch {
  /** The environment variable of the door, for the log. */
  readonly variable: string;
  readonly maximumConnections: number;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Ends every connection of a door at once. */
export type CutConnections = () => void;

/**
 * Bounds the number of connections and logs each that ends in the TLS handshake, with the reason: a foreign or
 * expired client certificate ends there, and its owner is told no more than that the connection is gone.
 *
 * grpc-js (1.14) gives no access to the servers it listens with; they are taken out of a field of it, after bind.
 *
 * @returns what cuts all connections: forceShutdown() waits for the peer's FIN when a graceful close came before it
 */
export function watchTls(server: grpc.Server, watch: TlsWatch): CutConnections {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(servers instanceof Map)) throw new Error('grpc-js has changed: it has no map http2Servers any more');
  const limiter = new AttemptLimiter(LOGGED_FAILURES);
  const connections = new Set<Socket>();
  for (const listening of servers.keys() as Iterable<Http2SecureServer>) {
    listening.maxConnections = watch.maximumConnections;
    listening.on('connection', (socket: Socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
    });
    listening.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const address = socket.remoteAddress ?? 'unknown';
      if (limiter.attempt(address, watch.now()) > 0) return;
      const code = authorizationProblem(socket) ?? error.code ?? 'unknown';
      const reason = REASONS[code] ?? error.message;
      watch.logger.warn({ door: watch.variable, address, code }, `TLS handshake refused: ${reason}`);
    });
  }
  return () => {
    for (const socket of connections) socket.destroy();
  };
}

/** Declared an Error, in truth the code of OpenSSL's verification as text; null when all is well. */
function authorizationProblem(socket: TLSSocket): string | undefined {
  const problem: unknown = socket.authorizationError;
  return typeof problem === 'string' ? problem : undefined;
}

const FOREIGN = 'the client certificate was not issued by this controller; enroll the edge here';

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the client certificate has expired; enroll the edge again',
  CERT_NOT_YET_VALID: 'the client certificate is not valid yet; compare the clocks',
  CERT_SIGNATURE_FAILURE: FOREIGN,
  DEPTH_ZERO_SELF_SIGNED_CERT: FOREIGN,
  ECONNRESET: 'the client went away in the middle of it',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client has no certificate; enroll it first',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client does not speak TLS 1.3',
  INVALID_PURPOSE: 'the certificate is not for clients',
  SELF_SIGNED_CERT_IN_CHAIN: FOREIGN,
  UNABLE_TO_GET_ISSUER_CERT: 'the client has no certificate; enroll it first',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: FOREIGN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: FOREIGN,
};

/** A client that tries again and again is worth a line now and then. */
const LOGGED_FAILURES = { burst: 5, intervalMilliseconds: 10_000, capacity: 1_000 };

import { status as GrpcStatus, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Hello, SessionRequest, SessionResponse } from '@weft/contracts/southbound';
import type { EdgeCertificateIdentity } from '../pki/edge-identity.js';
import type { EdgeSession, SessionEndCode } from './edge-session.js';
import { OutgoingQueue } from './outgoing-queue.js';

export type SessionCall = ServerDuplexStream<SessionRequest, SessionResponse>;

/** A session over a gRPC stream. */
export class GrpcEdgeSession implements EdgeSession {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly certificateSerial: string;
  readonly connectedSince: Date;
  readonly #call: SessionCall;
  readonly #outgoing: OutgoingQueue<SessionResponse>;
  #ended = false;

  constructor(call: SessionCall, identity: EdgeCertificateIdentity, hello: Hello, connectedSince: Date) {
    this.tenantId = identity.tenantId;
    this.edgeId = identity.edgeId;
    this.certificateSerial = identity.serial;
    this.agentVersion = hello.agentVersion;
    this.bootId = hello.bootId;
    this.connectedSince = connectedSince;
    this.#call = call;
    this.#outgoing = new OutgoingQueue(call, () => {
      this.end('RESOURCE_EXHAUSTED', 'the edge does not read what the controller sends');
    });
  }

  send(message: NonNullable<SessionResponse['message']>, gone: () => void = nothing): void {
    this.#outgoing.push({ message }, gone);
  }

  end(code: SessionEndCode, message: string): void {
    if (this.#ended) return;
    this.#ended = true;
    endCall(this.#call, code, message);
  }

  /** The stream is over, whoever ended it: nothing more leaves. */
  close(): void {
    this.#ended = true;
    this.#outgoing.close();
  }
}

/** Ends a stream with a status. */
export function endCall(call: SessionCall, code: SessionEndCode, message: string): void {
  call.emit('error', { code: GrpcStatus[code], details: message });
}

function nothing(): void {
  return;
}

import {
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  type SessionRequest,
  type SessionResponse,
  SessionServiceClient,
  SessionServiceService,
} from '@weft/contracts/southbound';
import { formatControllerAddress } from '../identity/controller-address.js';
import type { Identity } from '../identity/identity.js';
import { CONTROLLER_NAME } from '../identity/server-chain.js';

/** One stream to the controller; `close` also takes the connection down. */
export interface SessionStream {
  readonly call: ClientDuplexStream<SessionRequest, SessionResponse>;
  close(): void;
}

/**
 * Dials the controller as this edge. `target`: where, as gRPC writes it; whoever answers there must prove to be the
 * controller. Errors come out of the stream.
 */
export function openSessionStream(
  identity: Identity,
  target: string = formatControllerAddress(identity.session),
): SessionStream {
  const client = new WipingSessionClient(target, sessionCredentials(identity), CHANNEL_OPTIONS);
  const call = client.session();
  return {
    call,
    close: () => {
      call.cancel();
      client.close();
    },
  };
}

/** What an edge shows to its controller, and whom it believes to be that. */
export function sessionCredentials(identity: Identity): ChannelCredentials {
  return credentials.createSsl(
    Buffer.from(identity.trustBundle.join('')),
    Buffer.from(identity.privateKeyPem),
    Buffer.from(identity.certificateChain.join('')),
  );
}

/** True for what a stream ends with; everything else is a mistake of ours. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && typeof error.code === 'number';
}

/**
 * The generated client, but the octets of a message that held traffic keys are wiped as soon as they are decoded;
 * whoever takes the keys out of the message wipes those.
 */
const WipingSessionClient = makeGenericClientConstructor(
  {
    session: {
      ...SessionServiceService.session,
      responseDeserialize: (octets: Buffer): SessionResponse => {
        const response = SessionServiceService.session.responseDeserialize(octets);
        if (response.message?.$case === 'securityAssociationCommand') octets.fill(0);
        return response;
      },
    },
  },
  SessionServiceClient.serviceName,
) as unknown as new (
  address: string,
  channelCredentials: ReturnType<typeof credentials.createSsl>,
  options?: Partial<ClientOptions>,
) => SessionServiceClient & { session(metadata?: Metadata): ClientDuplexStream<SessionRequest, SessionResponse> };

const KEEPALIVE_INTERVAL_MILLISECONDS = 5_000;
const KEEPALIVE_TIMEOUT_MILLISECONDS = 5_000;
/** A bundle of 16 MiB, its manifest, signatures and framing. */
const MAX_MESSAGE_OCTETS = 17 * 1024 * 1024;
/** Of every connection to the session port. */
export const CHANNEL_OPTIONS: Partial<ClientOptions> = {
  'grpc.ssl_target_name_override': CONTROLLER_NAME,
  'grpc.default_authority': CONTROLLER_NAME,
  'grpc.keepalive_time_ms': KEEPALIVE_INTERVAL_MILLISECONDS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MILLISECONDS,
  'grpc.max_receive_message_length': MAX_MESSAGE_OCTETS,
  // Every attempt dials anew at our own pace: no connection, and no pause, is shared with the last one.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
};

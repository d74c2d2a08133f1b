import { Metadata } from '@grpc/grpc-js';
import { SessionServiceClient, type TrustBundle } from '@weft/contracts/southbound';
import type { Identity } from '../identity/identity.js';
import { pemOf } from '../identity/server-chain.js';
import { CHANNEL_OPTIONS, sessionCredentials } from './session-stream.js';

/** What a controller answers. */
export interface CertifiedRenewal {
  /** PEM, edge certificate first. */
  readonly certificateChain: readonly string[];
  /** Whom to believe from now on; absent while that is what enrollment said. */
  readonly trust: TrustBundle | undefined;
}

/**
 * Asks the controller to certify a new key of this edge, on a connection of its own: the stream is not touched.
 * @param target where the controller is, as gRPC writes it
 * @param request PKCS #10, DER
 * @returns what it says. Rejects with a ServiceError.
 */
export async function requestRenewal(
  identity: Identity,
  target: string,
  request: Uint8Array,
): Promise<CertifiedRenewal> {
  const client = new SessionServiceClient(target, sessionCredentials(identity), CHANNEL_OPTIONS);
  const message = { certificateSigningRequest: Buffer.from(request) };
  const deadline = Date.now() + CALL_TIMEOUT_MILLISECONDS;
  return new Promise<CertifiedRenewal>((resolve, reject) => {
    client.renewCertificate(message, new Metadata(), { deadline }, (error, response) => {
      if (error !== null) reject(error);
      else {
        const { certificateChain, trustBundle } = response;
        resolve({ certificateChain: certificateChain.map(pemOf), trust: trustBundle });
      }
    });
  }).finally(() => client.close());
}

const CALL_TIMEOUT_MILLISECONDS = 20_000;

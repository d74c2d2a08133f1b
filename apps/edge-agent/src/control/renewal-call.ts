import { Metadata } from '@grpc/grpc-js';
import { SessionServiceClient } from '@weft/contracts/southbound';
import type { Identity } from '../identity/identity.js';
import { pemOf } from '../identity/server-chain.js';
import { CHANNEL_OPTIONS, sessionCredentials } from './session-stream.js';

/**
 * Asks the controller to certify a new key of this edge, on a connection of its own: the stream is not touched.
 * @param target where the controller is, as gRPC writes it
 * @param request PKCS #10, DER
 * @returns the chain, PEM, edge certificate first. Rejects with a ServiceError.
 */
export async function requestRenewal(
  identity: Identity,
  target: string,
  request: Uint8Array,
): Promise<readonly string[]> {
  const client = new SessionServiceClient(target, sessionCredentials(identity), CHANNEL_OPTIONS);
  const message = { certificateSigningRequest: Buffer.from(request) };
  const deadline = Date.now() + CALL_TIMEOUT_MILLISECONDS;
  return new Promise<readonly string[]>((resolve, reject) => {
    client.renewCertificate(message, new Metadata(), { deadline }, (error, response) => {
      if (error !== null) reject(error);
      else resolve(response.certificateChain.map(pemOf));
    });
  }).finally(() => client.close());
}

const CALL_TIMEOUT_MILLISECONDS = 20_000;

import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { EnrollmentServiceClient, type EnrollRequest, type EnrollResponse } from '@weft/contracts/southbound';
import { type ProtectedNetworks, parseProtectedNetworks } from '../control/protected-networks.js';
import { messageOf } from '../platform/agent-error.js';
import { type ControllerAddress, formatControllerAddress } from './controller-address.js';
import { EnrollmentError } from './enrollment-error.js';
import type { EnrollmentToken } from './enrollment-token.js';
import { type Identity, parseIdentity, StoredIdentity } from './identity.js';
import { type CertificateRequest, createCertificateRequest } from './key-pair.js';
import { CONTROLLER_NAME, type Connect, checkServerCertificate, fetchPinnedRoot, pemOf } from './server-chain.js';

/** What `enroll` needs to know. */
export interface EnrollmentRequest {
  readonly controller: ControllerAddress;
  readonly token: EnrollmentToken;
  readonly hostName: string;
  readonly agentVersion: string;
  /** How the controller is reached; absent: as the machine's routes say. */
  readonly passage?: ControllerPassage;
}

/** A way to the controller. */
export interface ControllerPassage {
  /** Rejects with what connect says. */
  readonly connect: Connect;
  /** What passes connections on to it, as gRPC writes it. */
  readonly target: string;
}

/** What a token was traded for. */
export interface Enrolled {
  readonly identity: Identity;
  readonly stored: StoredIdentity;
  /** To be closed until the first bundle; undefined when the controller says nothing of it. */
  readonly protectedNetworks: ProtectedNetworks | undefined;
}

/**
 * Trades a token for an identity: makes a key here, checks the controller against the token's pin, and has the key
 * certified. The answer is checked as a whole before it is returned. Throws EnrollmentError; nothing is stored.
 */
export async function enroll(request: EnrollmentRequest): Promise<Enrolled> {
  const { controller, passage } = request;
  const root = await fetchPinnedRoot(controller, request.token.rootFingerprint, passage?.connect);
  await checkServerCertificate(controller, root, passage?.connect);
  const key = await createCertificateRequest(request.hostName);
  const response = await call(passage?.target ?? formatControllerAddress(controller), root, {
    token: request.token.text,
    certificateSigningRequest: Buffer.from(key.certificateSigningRequest),
    agentVersion: request.agentVersion,
    hostName: request.hostName,
  });
  return acceptResponse(key, response);
}

function acceptResponse(key: CertificateRequest, response: EnrollResponse): Enrolled {
  try {
    const stored = StoredIdentity.parse({
      version: 1,
      tenantId: response.tenantId,
      edgeId: response.edgeId,
      edgeName: response.edgeName,
      privateKeyPem: key.privateKeyPem,
      certificateChain: response.certificateChain.map(pemOf),
      trustBundle: response.trustBundle.map(pemOf),
      bundleSigningKeys: response.bundleSigningKeys.map(({ keyId, publicKey }) => ({
        keyId,
        publicKey: publicKey.toString('base64'),
      })),
      sessionAddress: response.sessionAddress,
    });
    const protectedNetworks = response.protectedNetworks && parseProtectedNetworks(response.protectedNetworks);
    return { identity: parseIdentity(stored), stored, protectedNetworks };
  } catch (error) {
    throw new EnrollmentError(
      'response_malformed',
      `the controller's answer cannot be used: ${messageOf(error)}`,
      'update the agent and the controller to matching versions, then use a new token',
      { cause: error },
    );
  }
}

function call(target: string, root: string, request: EnrollRequest): Promise<EnrollResponse> {
  const client = new EnrollmentServiceClient(target, credentials.createSsl(Buffer.from(root)), {
    'grpc.ssl_target_name_override': CONTROLLER_NAME,
    'grpc.default_authority': CONTROLLER_NAME,
  });
  return new Promise<EnrollResponse>((resolve, reject) => {
    client.enroll(request, new Metadata(), { deadline: Date.now() + CALL_TIMEOUT_MILLISECONDS }, (error, response) => {
      if (error) reject(callError(error));
      else resolve(response);
    });
  }).finally(() => client.close());
}

function callError(error: ServiceError): EnrollmentError {
  const [code, fix] = REFUSALS.get(error.code) ?? [
    'controller_failed',
    "look into the controller's log; the token is still good unless it says otherwise",
  ];
  return new EnrollmentError(code, `the controller refused: ${error.details}`, fix, { cause: error });
}

const REFUSALS: ReadonlyMap<status, readonly [EnrollmentError['code'], string]> = new Map([
  [
    status.UNAUTHENTICATED,
    ['token_refused', 'make a new enrollment token in the console: each works once, for a limited time'],
  ],
  [status.INVALID_ARGUMENT, ['request_refused', 'update the agent and the controller to matching versions']],
  [status.RESOURCE_EXHAUSTED, ['too_many_attempts', 'wait a minute and try again']],
  [status.UNAVAILABLE, ['controller_unreachable', 'check that the controller runs, and try again']],
  [status.DEADLINE_EXCEEDED, ['controller_unreachable', 'check that the controller runs, and try again']],
]);
const CALL_TIMEOUT_MILLISECONDS = 20_000;

import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  EnrollmentServiceService,
  type EnrollRequest,
  type EnrollResponse,
  type RenewCertificateRequest,
  type RenewCertificateResponse,
  type SessionRequest,
  type SessionResponse,
  SessionServiceService,
} from '@weft/contracts/southbound';
import type { ControllerAddress } from '../../src/identity/controller-address.js';
import { type Credential, EDGE_ID, TENANT_ID, type TestPki } from './test-pki.js';

/** A gRPC server of a test, listening. */
export interface TestServer {
  readonly address: ControllerAddress;
  close(): void;
}

/** Serves enrollment over TLS; the chain shows `root`, whoever issued `server`. */
export function serveEnrollment(
  server: Credential,
  root: Credential,
  enroll: handleUnaryCall<EnrollRequest, EnrollResponse>,
  host = '127.0.0.1',
): Promise<TestServer> {
  const grpc = new Server();
  grpc.addService(EnrollmentServiceService, { enroll });
  return listen(grpc, ServerCredentials.createSsl(null, [keyPair(server, root)]), host);
}

/** Serves the session over mutual TLS. */
export function serveSession(
  pki: TestPki,
  server: Credential,
  session: handleBidiStreamingCall<SessionRequest, SessionResponse>,
  renewCertificate: handleUnaryCall<RenewCertificateRequest, RenewCertificateResponse> = unimplemented,
): Promise<TestServer> {
  const grpc = new Server();
  grpc.addService(SessionServiceService, { session, renewCertificate });
  return listen(grpc, ServerCredentials.createSsl(Buffer.from(pki.root.pem), [keyPair(server, pki.root)], true));
}

/** The answer of a controller that has no complaint. */
export async function enrollResponse(pki: TestPki, request: Uint8Array, edgeId = EDGE_ID): Promise<EnrollResponse> {
  const certificate = await pki.edge(request, edgeId);
  return {
    tenantId: TENANT_ID,
    edgeId: EDGE_ID,
    edgeName: 'berlin',
    certificateChain: [Buffer.from(certificate.rawData)],
    trustBundle: [Buffer.from(pki.root.certificate.rawData)],
    bundleSigningKeys: [{ keyId: pki.signingKeyId, publicKey: pki.signingPublicKey }],
    sessionAddress: '127.0.0.1:8443',
    notAfter: certificate.notAfter,
  };
}

/** What a controller answers that knows no renewal. */
function unimplemented(_call: unknown, callback: sendUnaryData<RenewCertificateResponse>): void {
  callback({ code: status.UNIMPLEMENTED, details: 'unknown method' });
}

function keyPair(server: Credential, root: Credential): { private_key: Buffer; cert_chain: Buffer } {
  return { private_key: Buffer.from(server.keyPem), cert_chain: Buffer.from(server.pem + root.pem) };
}

function listen(server: Server, credentials: ServerCredentials, host = '127.0.0.1'): Promise<TestServer> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, credentials, (error, port) => {
      if (error) reject(error);
      else resolve({ address: { host, port }, close: () => server.forceShutdown() });
    });
  });
}

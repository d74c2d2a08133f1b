import { createHash } from 'node:crypto';
import tls from 'node:tls';
import grpc from '@grpc/grpc-js';
import {
  EnrollmentServiceClient,
  type EnrollRequest,
  type EnrollResponse,
  SessionServiceClient,
} from '@weft/contracts/southbound';
import { certificatePem } from './edge-credentials.js';
import { PATIENCE_MILLISECONDS } from './patience.js';

/** As edges do: whatever the address, the certificate must be for this name. */
const CLIENT_OPTIONS: grpc.ClientOptions = {
  'grpc.ssl_target_name_override': 'controller.weft.internal',
  'grpc.use_local_subchannel_pool': 1,
};

/** The certificate in the chain that a server presents whose SHA-256 is the token's pin; PEM. */
export function pinnedRoot(address: string, token: string): Promise<Buffer> {
  const pin = Buffer.from(token.split('.')[2] ?? '', 'base64url');
  return new Promise((resolve, reject) => {
    const [host, port] = address.split(/:(?=\d+$)/);
    const socket = tls.connect({
      host: host ?? '',
      port: Number(port),
      servername: 'controller.weft.internal',
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      let certificate: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      while (certificate !== undefined && !createHash('sha256').update(certificate.raw).digest().equals(pin)) {
        certificate = certificate.issuerCertificate === certificate ? undefined : certificate.issuerCertificate;
      }
      socket.destroy();
      if (certificate === undefined) reject(new Error('the chain does not hold the pinned root'));
      else {
        const base64 = certificate.raw.toString('base64');
        resolve(Buffer.from(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`));
      }
    });
  });
}

/** One call of Enroll on a connection of its own. Rejects with a grpc.ServiceError. */
export function enroll(address: string, root: Buffer, request: Partial<EnrollRequest>): Promise<EnrollResponse> {
  const client = new EnrollmentServiceClient(address, grpc.credentials.createSsl(root), CLIENT_OPTIONS);
  const whole = { token: '', certificateSigningRequest: Buffer.alloc(0), agentVersion: '1.0.0', hostName: 'host' };
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  return new Promise<EnrollResponse>((resolve, reject) => {
    client.enroll({ ...whole, ...request }, new grpc.Metadata(), { deadline }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  }).finally(() => client.close());
}

/** A client of the session port. `identity` undefined: it presents no certificate. */
export function sessionClient(
  address: string,
  root: Buffer,
  identity: { readonly privateKey: Buffer; readonly certificate: Buffer } | undefined,
): SessionServiceClient {
  const credentials = grpc.credentials.createSsl(root, identity?.privateKey ?? null, identity?.certificate ?? null);
  return new SessionServiceClient(address, credentials, CLIENT_OPTIONS);
}

/** One call of RenewCertificate on a connection of its own. Resolves with the new certificate and those above it, PEM; rejects with a grpc.ServiceError. */
export function renew(
  address: string,
  root: Buffer,
  identity: { readonly privateKey: Buffer; readonly certificate: Buffer },
  certificateSigningRequest: Buffer,
): Promise<Buffer> {
  const client = sessionClient(address, root, identity);
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  return new Promise<Buffer>((resolve, reject) => {
    client.renewCertificate({ certificateSigningRequest }, new grpc.Metadata(), { deadline }, (error, response) => {
      if (error === null) resolve(certificatePem(...response.certificateChain));
      else reject(error);
    });
  }).finally(() => client.close());
}

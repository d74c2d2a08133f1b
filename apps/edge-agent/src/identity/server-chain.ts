import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import tls, { type DetailedPeerCertificate } from 'node:tls';
import { messageOf, systemCodeOf } from '../platform/agent-error.js';
import { type ControllerAddress, formatControllerAddress } from './controller-address.js';
import { EnrollmentError } from './enrollment-error.js';

/** Connects to the controller. Rejects with what connect says. */
export type Connect = (address: ControllerAddress) => Promise<Socket>;

/** Name in every controller certificate; the address we dial may be anything. */
export const CONTROLLER_NAME = 'controller.weft.internal';

/**
 * Finds the root that the token pins in the chain that the server presents. Nothing is believed or sent on this
 * connection: it only shows certificates.
 * @returns the root, PEM. Throws EnrollmentError `controller_unreachable`, `pin_mismatch`.
 */
export async function fetchPinnedRoot(
  address: ControllerAddress,
  fingerprint: Uint8Array,
  reach?: Connect,
): Promise<string> {
  const socket = await connect(address, { rejectUnauthorized: false }, reach);
  const root = presentedCertificates(socket).find((octets) =>
    timingSafeEqual(createHash('sha256').update(octets).digest(), fingerprint),
  );
  await leave(socket);
  if (root === undefined) {
    throw new EnrollmentError(
      'pin_mismatch',
      `${formatControllerAddress(address)} does not present the root certificate that the token names`,
      'check the address; if it is right, someone else answers there, or the token is from another controller',
    );
  }
  return pemOf(root);
}

/**
 * Connects believing only `root`, so that an expired or foreign certificate has a name before gRPC hides it behind
 * "unavailable". Throws EnrollmentError `controller_unreachable`, `server_certificate_expired`, `server_certificate_refused`.
 */
export async function checkServerCertificate(address: ControllerAddress, root: string, reach?: Connect): Promise<void> {
  await leave(await connect(address, { ca: root, servername: CONTROLLER_NAME }, reach));
}

/** PEM of a DER certificate. */
export function pemOf(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

async function connect(
  address: ControllerAddress,
  options: tls.ConnectionOptions,
  reach: Connect | undefined,
): Promise<tls.TLSSocket> {
  const connected = await reach?.(address).catch((error: unknown) => {
    throw connectError(address, error instanceof Error ? error : new Error(String(error)));
  });
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      ...options,
      ...(connected === undefined ? { host: address.host, port: address.port } : { socket: connected }),
      ALPNProtocols: ['h2'],
      timeout: CONNECT_TIMEOUT_MILLISECONDS,
    });
    const fail = (error: Error) => {
      socket.destroy();
      reject(connectError(address, error));
    };
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`no answer within ${CONNECT_TIMEOUT_MILLISECONDS} ms`)));
  });
}

/**
 * Closes as RFC 8446 section 6.1 wants it, "with a closure alert". In TLS 1.3 we are ready before the controller has read
 * our Finished: a connection that is dropped then is a broken handshake to it, and a warning in its log.
 */
async function leave(socket: tls.TLSSocket): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  // Nothing depends on how it ends: what we came for, we have. The timeout of the connection bounds it.
  socket.on('error', () => undefined);
  socket.resume().end();
  await closed;
}

function connectError(address: ControllerAddress, error: Error): EnrollmentError {
  const where = formatControllerAddress(address);
  const code = systemCodeOf(error) ?? '';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new EnrollmentError(
      'server_certificate_expired',
      `${where} presents a certificate that is not valid now: ${messageOf(error)}`,
      "check the clocks of this machine and the controller, then renew the controller's certificate",
      { cause: error },
    );
  }
  if (CERTIFICATE_CODES.test(code)) {
    return new EnrollmentError(
      'server_certificate_refused',
      `${where} presents a certificate that its root does not vouch for as ${CONTROLLER_NAME}: ${messageOf(error)}`,
      'check the address; if it is right, do not enroll: someone else may answer there',
      { cause: error },
    );
  }
  return new EnrollmentError(
    'controller_unreachable',
    `${where} cannot be reached: ${messageOf(error)}`,
    'check the address, and that the enrollment port of the controller is open from here',
    { cause: error },
  );
}

function presentedCertificates(socket: tls.TLSSocket): Uint8Array[] {
  const found: Uint8Array[] = [];
  let current: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // A self-signed root is its own issuer: the walk ends there, or at a chain that is too long to be ours.
  while (current?.raw !== undefined && found.length < MAX_CHAIN) {
    found.push(current.raw);
    if (current.issuerCertificate === current) break;
    current = current.issuerCertificate;
  }
  return found;
}

const CERTIFICATE_CODES =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_|PATH_LENGTH|HOSTNAME_MISMATCH)/;
const CONNECT_TIMEOUT_MILLISECONDS = 10_000;
const MAX_CHAIN = 8;

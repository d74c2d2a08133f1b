import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestPki } from '../../test/support/test-pki.js';
import type { ControllerAddress } from './controller-address.js';
import { parseEnrollmentToken } from './enrollment-token.js';
import { checkServerCertificate, fetchPinnedRoot } from './server-chain.js';

let pki: TestPki;
beforeAll(async () => {
  pki = await TestPki.create();
});

let server: tls.Server | undefined;
afterEach(() => {
  server?.close();
});

/** A TLS server that notes how each visit ends. It speaks first, as an HTTP/2 server does. */
async function listen(): Promise<{ address: ControllerAddress; visits: Promise<string>[]; broken: string[] }> {
  const { pem, keyPem } = await pki.server();
  const visits: Promise<string>[] = [];
  const broken: string[] = [];
  server = tls.createServer({ cert: pem + pki.root.pem, key: keyPem, ALPNProtocols: ['h2'] }, (socket) => {
    visits.push(
      new Promise((resolve) => {
        socket.once('error', (error) => resolve(error.message));
        socket.once('end', () => resolve('ended'));
      }),
    );
    socket.write('SETTINGS');
    socket.resume();
  });
  server.on('tlsClientError', (error) => broken.push(error.message));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, visits, broken };
}

describe('looking at the certificates of a controller', () => {
  it('ends every visit after a whole handshake with a closure alert, so that the controller has nothing to warn of', async () => {
    const { address, visits, broken } = await listen();
    const { rootFingerprint } = parseEnrollmentToken(pki.token());
    for (let visit = 0; visit < VISITS; visit += 1) {
      const root = await fetchPinnedRoot(address, rootFingerprint);
      await checkServerCertificate(address, root);
    }
    expect(broken).toEqual([]);
    expect(await Promise.all(visits)).toEqual(Array(2 * VISITS).fill('ended'));
  });
});

/** How a dropped connection ends is up to the order in which two sockets are served: once proves little. */
const VISITS = 10;

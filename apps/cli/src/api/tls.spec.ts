import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';
import { afterEach, describe, expect, it } from 'vitest';
import { controllerFetch } from './controller-fetch.js';

const servers: https.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('a controller behind TLS', () => {
  it('is asked when the authority that was given has certified it, and no other is', async () => {
    const [own, other] = [await makeIdentity(), await makeIdentity()];
    const { url, asked } = await serve(own);
    const fetchWith = (authorities: string | undefined) =>
      controllerFetch({ authorities, timeoutMilliseconds: 30_000 });
    expect(await (await fetchWith(own.certificate)(new Request(url))).json()).toEqual({ secure: true });
    for (const authorities of [undefined, other.certificate]) {
      await expect(fetchWith(authorities)(new Request(url))).rejects.toMatchObject({
        code: 'not_reached',
        exitCode: 3,
        fix: 'give the authority of the controller with --ca-file',
      });
    }
    expect(asked()).toBe(1);
  });

  it('is not asked by an older TLS than 1.3', async () => {
    const identity = await makeIdentity();
    const { url, asked } = await serve(identity, { maxVersion: 'TLSv1.2' });
    const fetch = controllerFetch({ authorities: identity.certificate, timeoutMilliseconds: 30_000 });
    await expect(fetch(new Request(url))).rejects.toMatchObject({ code: 'not_reached' });
    expect(asked()).toBe(0);
  });
});

interface Identity {
  readonly certificate: string;
  readonly key: string;
}

async function makeIdentity(): Promise<Identity> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=127.0.0.1',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const exported = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), key: x509.PemConverter.encode(exported, 'PRIVATE KEY') };
}

async function serve({ certificate, key }: Identity, options: https.ServerOptions = {}) {
  let asked = 0;
  const server = https.createServer({ cert: certificate, key, ...options }, (_, response) => {
    asked += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"secure":true}');
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

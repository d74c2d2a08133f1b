import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { enrollResponse, serveEnrollment, type TestServer } from '../../test/support/test-controller.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { enroll } from './enrollment-client.js';
import { parseEnrollmentToken } from './enrollment-token.js';

let pki: TestPki;
let foreign: TestPki;
beforeAll(async () => {
  [pki, foreign] = await Promise.all([TestPki.create(), TestPki.create()]);
});

const open: TestServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

type Handler = Parameters<typeof serveEnrollment>[2];

async function controller(handler: Handler, presented = pki.server()): Promise<TestServer> {
  const server = await serveEnrollment(await presented, pki.root, handler);
  open.push(server);
  return server;
}

const accepting: Handler = (call, answer) => {
  enrollResponse(pki, call.request.certificateSigningRequest).then((response) => answer(null, response), answer);
};

/** A controller that must not be asked: whoever gets here has sent the token to the wrong one. */
const unwanted: Handler = () => {
  throw new Error('the token was sent');
};

function attempt(server: TestServer, token = pki.token()): ReturnType<typeof enroll> {
  return enroll({
    controller: server.address,
    token: parseEnrollmentToken(token),
    hostName: 'test-machine',
    agentVersion: '0.0.0',
  });
}

describe('enrollment', () => {
  it('gives an identity whose certificate is for the key made here', async () => {
    let seen: { token: string; agentVersion: string; hostName: string } | undefined;
    const server = await controller((call, answer) => {
      seen = call.request;
      accepting(call, answer);
    });
    const token = pki.token();
    const { identity, stored } = await attempt(server, token);
    expect(identity).toMatchObject({
      tenantId: TENANT_ID,
      edgeId: EDGE_ID,
      session: { host: '127.0.0.1', port: 8443 },
    });
    expect([...identity.bundleSigningKeys.keys()]).toEqual([pki.signingKeyId]);
    expect(seen).toMatchObject({ token, agentVersion: '0.0.0', hostName: 'test-machine' });
    expect(JSON.stringify(stored)).not.toContain(token);
  });

  it('keeps the token to itself when the pinned root is not in the chain', async () => {
    const server = await controller(unwanted);
    await expect(attempt(server, foreign.token())).rejects.toMatchObject({ code: 'pin_mismatch' });
  });

  it('keeps the token to itself when the chain shows the pinned root but the server was not issued by it', async () => {
    const server = await controller(unwanted, foreign.server(undefined, pki));
    await expect(attempt(server)).rejects.toMatchObject({ code: 'server_certificate_refused' });
  });

  it('names an expired server certificate, and what to do', async () => {
    const server = await controller(unwanted, pki.server(-1000));
    await expect(attempt(server)).rejects.toMatchObject({
      code: 'server_certificate_expired',
      fix: expect.stringContaining('clocks'),
    });
  });

  it('says that nobody answers', async () => {
    const server = await controller(unwanted);
    open.pop()?.close();
    await expect(attempt(server)).rejects.toMatchObject({ code: 'controller_unreachable' });
  });

  it.each([
    [status.UNAUTHENTICATED, 'the token was used already', 'token_refused', /new enrollment token/],
    [status.INVALID_ARGUMENT, 'certificate_signing_request: too long', 'request_refused', /matching versions/],
    [status.RESOURCE_EXHAUSTED, 'too many attempts', 'too_many_attempts', /minute/],
    [status.INTERNAL, 'database gone', 'controller_failed', /log/],
  ])('hands on what the controller says with %i, and what to do', async (code, details, expected, fix) => {
    const server = await controller((_, answer) => answer({ code, details }));
    const token = pki.token();
    const error: unknown = await attempt(server, token).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: expected,
      message: expect.stringContaining(details),
      fix: expect.stringMatching(fix),
    });
    expect(String(error)).not.toContain(token.split('.')[1]);
  });

  it('refuses a certificate for another edge than the answer names', async () => {
    const other = '33333333-3333-4333-8333-333333333333';
    const server = await controller((call, answer) => {
      enrollResponse(pki, call.request.certificateSigningRequest, other).then((value) => answer(null, value), answer);
    });
    await expect(attempt(server)).rejects.toMatchObject({
      code: 'response_malformed',
      message: expect.stringContaining('certificate_chain[0]'),
    });
  });

  it('refuses a certificate for another key', async () => {
    const { identity } = await attempt(await controller(accepting));
    const [leaf = ''] = identity.certificateChain;
    const der = Buffer.from(leaf.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
    const server = await controller((call, answer) => {
      enrollResponse(pki, call.request.certificateSigningRequest).then(
        (value) => answer(null, { ...value, certificateChain: [der] }),
        answer,
      );
    });
    await expect(attempt(server)).rejects.toMatchObject({
      code: 'response_malformed',
      message: expect.stringContaining('another key'),
    });
  });

  it.each([
    ['an empty trust bundle', { trustBundle: [] }, /trustBundle/],
    ['a root that did not issue', 'foreign root', /trust_bundle/],
    ['a signing key with a wrong id', 'wrong id', /bundle_signing_keys\[0\]\.key_id/],
    ['a session address without port', { sessionAddress: 'controller' }, /session_address/],
  ])('refuses %s', async (_, change, message) => {
    const server = await controller((call, answer) => {
      enrollResponse(pki, call.request.certificateSigningRequest).then((value) => {
        const changes =
          change === 'foreign root'
            ? { trustBundle: [Buffer.from(foreign.root.certificate.rawData)] }
            : change === 'wrong id'
              ? { bundleSigningKeys: [{ keyId: 'ab'.repeat(32), publicKey: pki.signingPublicKey }] }
              : change;
        answer(null, { ...value, ...(changes as object) });
      }, answer);
    });
    await expect(attempt(server)).rejects.toMatchObject({
      code: 'response_malformed',
      message: expect.stringMatching(message),
    });
  });
});

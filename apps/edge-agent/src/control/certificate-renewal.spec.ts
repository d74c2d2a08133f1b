import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { RenewCertificateRequest, RenewCertificateResponse } from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveSession, type TestServer } from '../../test/support/test-controller.js';
import { TestPki } from '../../test/support/test-pki.js';
import { formatControllerAddress } from '../identity/controller-address.js';
import { CurrentIdentity } from '../identity/current-identity.js';
import { loadIdentity, storeIdentity } from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { requestRenewal } from './renewal-call.js';

type Answer = (
  call: ServerUnaryCall<RenewCertificateRequest, RenewCertificateResponse>,
  callback: sendUnaryData<RenewCertificateResponse>,
) => void;

const DAY = 86_400_000;
/** Of the certificates of TestPki: half a day before the test until a day after it. */
const DUE = 0.51 * DAY;
let pki: TestPki;
beforeAll(async () => {
  pki = await TestPki.create();
});

let directory: string;
let state: StateDirectory;
const open: { close(): unknown }[] = [];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-renewal-'));
  state = await StateDirectory.open(directory);
});
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
  await rm(directory, { recursive: true, force: true });
});

/** As a controller does. */
const certify: Answer = (call, callback) => {
  pki.edge(call.request.certificateSigningRequest).then(
    (certificate) => callback(null, { certificateChain: [Buffer.from(certificate.rawData)] }),
    (error: Error) => callback({ code: status.INTERNAL, details: error.message }),
  );
};

/** An edge with clocks of its own, whose timer goes off when the test says so. */
async function edge(answer: Answer) {
  const server: TestServer = await serveSession(pki, await pki.server(), (call) => call.end(), answer);
  await storeIdentity(state, await pki.storedIdentity(formatControllerAddress(server.address)));
  const identity = await CurrentIdentity.open(state);
  const time = { wall: Date.now(), monotonic: 0 };
  const log: Record<string, unknown>[] = [];
  let told: () => void = () => undefined;
  let timer: (() => void) | undefined;
  let asked = 0;
  const note = (level: string) => (fields: object, msg: string) => {
    log.push({ level, msg, ...fields });
    told();
  };
  const renewal = new CertificateRenewal({
    identity,
    request: (request) => {
      asked++;
      return requestRenewal(identity.value, formatControllerAddress(server.address), request);
    },
    log: {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
      fatal: note('fatal'),
    } as never,
    wallClock: () => time.wall,
    clock: () => time.monotonic,
    after: (_, run) => {
      timer = run;
      return () => {
        timer = undefined;
      };
    },
    random: () => 0,
  });
  open.push(server, { close: () => renewal.stop() });
  const said = async (message: string, count = 1) => {
    const lines = () => log.filter(({ msg }) => msg === message);
    while (lines().length < count) await new Promise<void>((resolve) => (told = resolve));
    return lines()[count - 1]!;
  };
  return { identity, renewal, time, log, said, look: () => timer?.(), asked: () => asked };
}

describe('an edge renews its certificate', () => {
  it('with a new key when it is due, not before, and stores both', async () => {
    const { identity, renewal, time, said, look, asked } = await edge(certify);
    const before = identity.value;
    renewal.start();
    expect(asked()).toBe(0);
    expect(renewal.state).toMatchObject({ condition: 'valid', renewals: 0, problem: undefined });
    time.wall += DUE;
    look();
    await said('certificate renewed');
    expect(identity.value.privateKeyPem).not.toBe(before.privateKeyPem);
    expect(identity.value.certificateChain).not.toEqual(before.certificateChain);
    expect((await loadIdentity(state)).certificateChain).toEqual(identity.value.certificateChain);
    expect(renewal.state).toMatchObject({ renewals: 1, failures: 0, problem: undefined });
  });

  it('again and again while the controller says no, says so once, and gets it in the end', async () => {
    let refuse = true;
    const { identity, renewal, time, log, said, look, asked } = await edge((call, callback) => {
      if (refuse) callback({ code: status.UNAVAILABLE, details: 'no database' });
      else certify(call, callback);
    });
    const before = identity.value;
    time.wall += DUE;
    renewal.start();
    const line = await said('certificate not renewed');
    expect(line).toMatchObject({ level: 'warn', reason: 'UNAVAILABLE: no database', fix: expect.any(String) });
    expect(identity.value).toBe(before);
    // Not before the pause is over; whatever the wall clock says.
    time.wall += 3_600_000;
    look();
    expect(asked()).toBe(1);
    for (let attempt = 2; attempt < 6; attempt++) {
      time.monotonic += 3_600_000;
      look();
      await expect.poll(() => renewal.state.failures, { timeout: 60_000 }).toBe(attempt);
    }
    expect(log.filter(({ msg }) => msg === 'certificate not renewed')).toHaveLength(1);
    expect(renewal.state.problem?.reason).toBe('UNAVAILABLE: no database');
    refuse = false;
    renewal.connected();
    await said('certificate renewed');
    expect(renewal.state).toMatchObject({ renewals: 1, failures: 5, problem: undefined });
  });

  it('when it learns that another root issues now, and with what the answer says of whom to believe', async () => {
    const next = await TestPki.create();
    const { identity, renewal, said, look, asked } = await edge((call, callback) => {
      next.edge(call.request.certificateSigningRequest).then(
        (certificate) =>
          callback(null, {
            certificateChain: [Buffer.from(certificate.rawData)],
            trustBundle: pki.trust(3, next, pki),
          }),
        (error: Error) => callback({ code: status.INTERNAL, details: error.message }),
      );
    });
    renewal.start();
    renewal.connected();
    look();
    expect(asked()).toBe(0);
    await identity.followTrust(pki.trust(2, next, pki));
    renewal.connected();
    await said('certificate renewed');
    expect([identity.value.trustVersion, identity.value.underIssuingRoot]).toEqual([3, true]);
    renewal.connected();
    look();
    expect([asked(), renewal.state.condition]).toEqual([1, 'valid']);
  });

  it('and keeps the old one when the answer does not fit, or an old controller knows no renewal', async () => {
    const { identity, renewal, time, said } = await edge((_call, callback) => {
      callback(null, { certificateChain: [Buffer.from(pki.root.certificate.rawData)] });
    });
    const before = identity.value;
    time.wall += DUE;
    renewal.start();
    expect(await said('certificate not renewed')).toMatchObject({
      reason: expect.stringContaining('certifies another key'),
      fix: 'update the agent and the controller to matching versions',
    });
    expect(identity.value).toBe(before);
    const old = await edge((_call, callback) => callback({ code: status.UNIMPLEMENTED, details: 'unknown method' }));
    old.time.wall += DUE;
    old.renewal.start();
    expect(await old.said('certificate not renewed')).toMatchObject({
      fix: 'update the agent and the controller to matching versions',
    });
  });

  it('also when it seems to have expired: the clock may be wrong; it says what to do', async () => {
    const { renewal, time, said, log } = await edge(certify);
    time.wall += 2 * DAY;
    renewal.start();
    const [line] = log;
    expect(line).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('has expired'),
      fix: expect.stringContaining('weft-edge enroll'),
    });
    await said('certificate renewed');
  });

  it('once in ten minutes at most, when by a clock that is ahead every one is old', async () => {
    const { renewal, time, said, look, asked } = await edge(certify);
    time.wall += 2 * DAY;
    renewal.start();
    await said('certificate renewed');
    for (let turn = 0; turn < 10; turn++) {
      time.monotonic += 59_000;
      look();
    }
    expect(asked()).toBe(1);
    time.monotonic += 60_000;
    look();
    await said('certificate renewed', 2);
  });

  it('not while the clock is before its time, but says so, and goes on when it is set right', async () => {
    const { renewal, time, log, said, look, asked } = await edge(certify);
    time.wall -= 10 * DAY;
    renewal.start();
    expect(renewal.state.condition).toBe('not_yet_valid');
    expect(log).toContainEqual(expect.objectContaining({ level: 'error', fix: 'set the clock of this machine' }));
    expect(asked()).toBe(0);
    time.wall += 10 * DAY + DUE;
    look();
    await said('certificate renewed');
  });

  it.each([
    ['ahead', 400 * DAY],
    ['behind', -400 * DAY],
  ])('and says, once, that it is good when a clock that was far %s is right again', async (_, jump) => {
    const { time, renewal, log, look } = await edge((_call, callback) =>
      callback({ code: status.UNAVAILABLE, details: 'no database' }),
    );
    const good = () =>
      log.filter(({ msg }) => msg === 'the certificate of this edge is valid by the clock of this machine');
    renewal.start();
    time.wall += jump;
    look();
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(good()).toEqual([]);
    time.wall -= jump;
    look();
    look();
    expect(renewal.state.condition).toBe('valid');
    expect(good()).toEqual([expect.objectContaining({ level: 'info', notAfter: expect.any(String) })]);
  });

  it('no more once it is stopped', async () => {
    const { renewal, time, look, asked } = await edge(certify);
    await renewal.stop();
    time.wall += DUE;
    renewal.start();
    look();
    renewal.connected();
    expect(asked()).toBe(0);
  });
});

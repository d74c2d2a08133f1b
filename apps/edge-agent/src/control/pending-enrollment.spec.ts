import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveSession, type TestServer } from '../../test/support/test-controller.js';
import { TestPki } from '../../test/support/test-pki.js';
import { formatControllerAddress } from '../identity/controller-address.js';
import type { StoredIdentity } from '../identity/identity.js';
import {
  loadPendingIdentity,
  loadStoredIdentity,
  storeIdentity,
  storePendingIdentity,
} from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { awaitWelcome } from './first-session.js';
import { PendingEnrollment } from './pending-enrollment.js';
import { openSessionStream } from './session-stream.js';

type Session = Parameters<typeof serveSession>[2];

let pki: TestPki;
let old: StoredIdentity;
beforeAll(async () => {
  pki = await TestPki.create();
  old = await pki.storedIdentity('controller:8443');
});

let directory: string;
let state: StateDirectory;
let listening: TestServer | undefined;
let said: { reason: string; fix: string }[];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-pending-'));
  state = await StateDirectory.open(directory);
  await storeIdentity(state, old);
  said = [];
});
afterEach(async () => {
  listening?.close();
  listening = undefined;
  await rm(directory, { recursive: true, force: true });
});

/** A new identity of a controller that answers like this, or is not there. */
async function pendingOf(session: Session | undefined): Promise<StoredIdentity> {
  listening = session && (await serveSession(pki, await pki.server(), session));
  const pending = await pki.storedIdentity(listening ? formatControllerAddress(listening.address) : '127.0.0.1:1');
  await storePendingIdentity(state, pending);
  return pending;
}

const enrollment = () =>
  new PendingEnrollment({
    state,
    prove: (identity) =>
      awaitWelcome(openSessionStream(identity), {
        agentVersion: '1',
        bootId: 'b',
        associations: [],
        keyingModes: [],
        limitsRemovals: true,
      }),
    log: { info: () => undefined, warn: (line: never) => said.push(line) } as never,
  });

const welcoming: Session = (call) =>
  void call.once('data', () => {
    const value = { epoch: 1n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false };
    call.write({ message: { $case: 'welcome', value } });
  });
const refusing =
  (code: status, details: string): Session =>
  (call) =>
    call.once('data', () => call.emit('error', { code, details }));

describe('an identity that is enrolled beside one in use', () => {
  it('takes its place when its controller has welcomed it', async () => {
    const pending = await pendingOf(welcoming);
    expect(await enrollment().attempt()).toBe(true);
    expect(await loadStoredIdentity(state)).toEqual(pending);
    expect(await loadPendingIdentity(state)).toBeUndefined();
    expect(said).toEqual([]);
    expect(await enrollment().waiting()).toBeUndefined();
  });

  it.each<[string, Session | undefined, string]>([
    ['is not reached', undefined, 'UNAVAILABLE'],
    ['refuses it', refusing(status.UNAUTHENTICATED, 'this edge was revoked'), 'this edge was revoked'],
    ['ends the stream', (call) => call.once('data', () => call.end()), 'closed the stream before Welcome'],
    [
      'says something else first',
      (call) => call.once('data', () => call.write({ message: { $case: 'eventsStored', value: { number: 1n } } })),
      'was not Welcome',
    ],
  ])('waits when its controller %s, and the one in use stays; why is said once', async (_, session, reason) => {
    const pending = await pendingOf(session);
    const waiting = enrollment();
    const edge = { name: pending.edgeName, id: pending.edgeId };
    expect(await waiting.waiting()).toEqual({ edge, problem: undefined });
    expect(await waiting.attempt()).toBe(false);
    expect(await waiting.attempt()).toBe(false);
    expect(await waiting.waiting()).toMatchObject({ edge, problem: { reason: expect.stringContaining(reason) } });
    expect(await loadStoredIdentity(state)).toEqual(old);
    expect(await loadPendingIdentity(state)).toEqual(pending);
    expect(said).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) })]);
  });

  it('takes over later, when its controller is back', async () => {
    let answer = refusing(status.UNAVAILABLE, 'the controller is stopping');
    const pending = await pendingOf((call) => answer(call));
    const waiting = enrollment();
    expect(await waiting.attempt()).toBe(false);
    answer = welcoming;
    expect(await waiting.attempt()).toBe(true);
    expect(await loadStoredIdentity(state)).toEqual(pending);
  });

  it('is named when it cannot be used, and nothing is dialled', async () => {
    await state.write('identity.pending.json', Buffer.from('{'));
    const waiting = enrollment();
    const problem = {
      reason: expect.stringContaining('identity.pending.json cannot be used'),
      fix: expect.stringContaining('enroll'),
    };
    expect(await waiting.waiting()).toEqual({ edge: undefined, problem });
    expect(await waiting.attempt()).toBe(false);
    expect(said).toEqual([problem]);
    expect(await loadStoredIdentity(state)).toEqual(old);
  });

  it('that was given up is not spoken of any more', async () => {
    await pendingOf(undefined);
    const waiting = enrollment();
    expect(await waiting.attempt()).toBe(false);
    await state.remove('identity.pending.json');
    expect(await waiting.waiting()).toBeUndefined();
    expect(await waiting.attempt()).toBe(false);
    await pendingOf(undefined);
    expect(await waiting.waiting()).toMatchObject({ problem: undefined });
  });

  it('that is not there is no trouble', async () => {
    expect(await enrollment().attempt()).toBe(false);
    expect(said).toEqual([]);
  });
});

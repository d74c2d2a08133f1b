import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type { SessionRequest, SessionResponse } from '@weft/contracts/southbound';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { serveSession, type TestServer } from '../../test/support/test-controller.js';
import { TestPki } from '../../test/support/test-pki.js';
import { type SessionHandlers, SessionLoop } from './session-loop.js';
import { openSessionStream } from './session-stream.js';

let pki: TestPki;
let foreign: TestPki;
beforeAll(async () => {
  [pki, foreign] = await Promise.all([TestPki.create(), TestPki.create()]);
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

type Session = Parameters<typeof serveSession>[2];
type Call = Parameters<Session>[0];

const WELCOME: SessionResponse = {
  message: {
    $case: 'welcome',
    value: { epoch: 1n, statusIntervalMilliseconds: 1000, takesEvents: true, relaysKeyShares: false },
  },
};
const push = (nonce: string): SessionResponse => ({ message: { $case: 'bundlePush', value: { nonce } } });
const command = (commandId: string): SessionResponse => ({
  message: { $case: 'securityAssociationCommand', value: { commandId } },
});
const keyShare = (): SessionResponse => ({
  message: { $case: 'keyShare', value: { tunnelId: 't', signedMessage: Buffer.alloc(1) } },
});

const ignore = () => undefined;

/** An edge that says yes to everything. */
const AGREEABLE: SessionHandlers = {
  hello: async () => ({ agentVersion: '1', bootId: 'b', associations: [], keyingModes: [], limitsRemovals: true }),
  eventsStored: () => undefined,
  keyShare: () => undefined,
  writable: () => undefined,
  ended: () => undefined,
  welcome: async () => undefined,
  bundlePush: async ({ nonce }) => ({ message: { $case: 'bundleAck', value: { nonce } } }),
  securityAssociationCommand: async ({ commandId }) => ({
    message: { $case: 'securityAssociationResult', value: { commandId } },
  }),
};

/** A loop that pauses only when the test lets it go on; `ended` gives the log line of each session's end. */
async function edge(
  session: Session,
  handlers: Partial<SessionHandlers> = {},
  server = pki.server(),
  validFor = 86_400_000,
) {
  const listening: TestServer = await serveSession(pki, await server, session);
  const identity = await pki.identity(`127.0.0.1:${listening.address.port}`, validFor);
  const ends: { reason: string; fix: string }[] = [];
  let resume: () => void = () => undefined;
  let told: () => void = () => undefined;
  const loop = new SessionLoop({
    open: () => openSessionStream(identity),
    expired: () => identity.notAfter.getTime() <= Date.now(),
    handlers: { ...AGREEABLE, ...handlers },
    log: { debug: ignore, info: ignore, error: ignore, fatal: ignore, warn: (line: never) => ends.push(line) } as never,
    random: () => 0,
    pause: (_, signal) =>
      new Promise((resolve) => {
        resume = resolve;
        signal.addEventListener('abort', () => resolve());
        told();
      }),
  });
  open.push(listening, { close: () => loop.stop() });
  const ended = async (count: number) => {
    while (ends.length < count) await new Promise<void>((resolve) => (told = resolve));
    return ends[count - 1]!;
  };
  loop.start();
  return { loop, ended, resume: () => resume() };
}

/** Messages of the edge, one at a time. */
async function next(call: Call): Promise<SessionRequest> {
  call.resume();
  const [message] = (await once(call, 'data')) as [SessionRequest];
  call.pause();
  return message;
}

/** Lets the test be the controller of the first stream. */
function firstCall(): { session: Session; call: Promise<Call> } {
  let resolve: (call: Call) => void = () => undefined;
  const call = new Promise<Call>((settle) => (resolve = settle));
  return {
    call,
    session: (stream) => {
      stream.pause();
      stream.on('error', () => undefined);
      resolve(stream);
    },
  };
}

describe('session', () => {
  it('says hello, is welcomed, and answers in the order of the questions', async () => {
    const { session, call } = firstCall();
    const seen: string[] = [];
    const { loop } = await edge(session, {
      bundlePush: async (value) => {
        // The slow one first: an answer must not overtake it.
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(value.nonce);
        return AGREEABLE.bundlePush(value);
      },
    });
    const stream = await call;
    expect((await next(stream)).message).toMatchObject({ $case: 'hello', value: { bootId: 'b' } });
    expect(loop.connected).toBe(false);
    expect(loop.send({})).toBe(false);
    for (const message of [WELCOME, push('one'), command('two'), push('three')]) stream.write(message);
    expect((await next(stream)).message).toMatchObject({ $case: 'bundleAck', value: { nonce: 'one' } });
    expect((await next(stream)).message).toMatchObject({ $case: 'securityAssociationResult' });
    expect((await next(stream)).message).toMatchObject({ $case: 'bundleAck', value: { nonce: 'three' } });
    expect(seen).toEqual(['one', 'three']);
    expect(loop.connected).toBe(true);
    expect(loop.send({ message: { $case: 'status', value: { tunnels: [], securityPolicies: [], drops: [] } } })).toBe(
      true,
    );
    expect((await next(stream)).message?.$case).toBe('status');
  });

  it('comes back after the controller has gone', async () => {
    let streams = 0;
    let second: () => void = () => undefined;
    const cameBack = new Promise<void>((resolve) => (second = resolve));
    const { ended, resume } = await edge((stream) => {
      stream.on('error', () => undefined);
      streams++;
      if (streams === 1) {
        stream.write(WELCOME);
        stream.end();
      } else second();
    });
    expect(await ended(1)).toMatchObject({ reason: expect.stringContaining('closed the stream') });
    resume();
    await cameBack;
    expect(streams).toBe(2);
  });

  it.each([
    [status.ALREADY_EXISTS, /another agent runs with the identity/],
    [status.UNAUTHENTICATED, /enroll again/],
    [status.INVALID_ARGUMENT, /matching versions/],
  ])('hands on status %i with what to do', async (code, fix) => {
    const { ended } = await edge((stream) => stream.emit('error', { code, details: 'because' }));
    expect(await ended(1)).toMatchObject({
      reason: expect.stringContaining('because'),
      fix: expect.stringMatching(fix),
    });
  });

  it('speaks to no controller with an expired or a foreign certificate', async () => {
    let asked = 0;
    const session: Session = () => {
      asked++;
    };
    const expired = await edge(session, {}, pki.server(-1000));
    expect(await expired.ended(1)).toMatchObject({ fix: expect.stringContaining('clocks') });
    const stranger = await edge(session, {}, foreign.server());
    expect(await stranger.ended(1)).toMatchObject({ fix: expect.stringContaining('not the controller') });
    expect(asked).toBe(0);
  });

  it('says what to do when its own certificate has expired, of which the controller says nothing', async () => {
    const { ended } = await edge((stream) => stream.end(), {}, pki.server(), -1000);
    expect(await ended(1)).toMatchObject({
      reason: expect.stringContaining('the certificate of this edge has expired'),
      fix: expect.stringContaining('weft-edge enroll'),
    });
  });

  it('leaves a controller that it refuses', async () => {
    const { ended, loop } = await edge(
      (stream) => {
        stream.on('error', () => undefined);
        stream.write(WELCOME);
      },
      {
        welcome: async () => {
          throw new Error('epoch 1 is older than 2');
        },
      },
    );
    expect(await ended(1)).toMatchObject({ reason: 'epoch 1 is older than 2' });
    expect(loop.connected).toBe(false);
  });

  it.each([
    ['a bundle before Welcome', [push('x')], /before Welcome/],
    ['a key share before Welcome', [keyShare()], /before Welcome/],
    ['Welcome twice', [WELCOME, WELCOME], /twice/],
    ['a message of an unknown kind', [WELCOME, {}], /does not know/],
  ])('leaves a controller that sends %s', async (_, messages, reason) => {
    const { ended } = await edge((stream) => {
      stream.on('error', () => undefined);
      for (const message of messages) stream.write(message);
    });
    expect(await ended(1)).toMatchObject({ reason: expect.stringMatching(reason) });
  });

  it('keeps an answer to itself when the stream that asked is over', async () => {
    const { session, call } = firstCall();
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let working: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => {
      working = resolve;
    });
    const { ended, loop } = await edge(session, {
      bundlePush: async (value) => {
        working();
        await asked;
        return AGREEABLE.bundlePush(value);
      },
    });
    const stream = await call;
    for (const message of [WELCOME, push('one')]) stream.write(message);
    await atWork;
    stream.emit('error', { code: status.UNAVAILABLE, details: 'the controller is stopping' });
    answer();
    expect(await ended(1)).toMatchObject({ reason: expect.stringContaining('the controller is stopping') });
    expect(loop.send({})).toBe(false);
  });

  it('hands on the key shares that the controller relays, and goes on', async () => {
    const { session, call } = firstCall();
    const shares: string[] = [];
    await edge(session, { keyShare: ({ tunnelId }) => shares.push(tunnelId) });
    const stream = await call;
    for (const message of [WELCOME, keyShare(), push('after')]) stream.write(message);
    for (let heard = await next(stream); heard.message?.$case !== 'bundleAck'; heard = await next(stream));
    expect(shares).toEqual(['t']);
  });

  it('tries again when it cannot say Hello, and stops though it never could', async () => {
    const { session, call } = firstCall();
    let hellos = 0;
    const { ended, resume } = await edge(session, {
      ended: () => undefined,
      hello: async () => {
        hellos += 1;
        if (hellos === 1) throw new Error('the packet path has ended');
        return AGREEABLE.hello();
      },
    });
    expect(await ended(1)).toMatchObject({
      reason: 'the packet path has ended',
      fix: expect.stringContaining('restart'),
    });
    resume();
    expect((await next(await call)).message).toMatchObject({ $case: 'hello' });
    const never = await edge(session, { hello: () => Promise.reject(new Error('the packet path has ended')) });
    await never.ended(1);
    await never.loop.stop();
  });

  it('stops at once while it waits to dial again', async () => {
    const { ended, loop } = await edge((stream) =>
      stream.emit('error', { code: status.UNAVAILABLE, details: 'later' }),
    );
    await ended(1);
    await loop.stop();
    expect(loop.connected).toBe(false);
  });

  it('asks before each attempt whether it may dial, and ends when it may not', async () => {
    const asked: number[] = [];
    let ended: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const loop = new SessionLoop({
      mayDial: async () => {
        if (asked.push(asked.length) === 2) ended();
        return asked.length === 1;
      },
      open: () => openSessionStream(unreachable),
      handlers: AGREEABLE,
      log: { warn: ignore } as never,
      expired: () => false,
      random: () => 0,
      pause: async () => undefined,
    });
    const unreachable = await pki.identity('127.0.0.1:1');
    loop.start();
    await told;
    await loop.stop();
    expect(asked).toEqual([0, 1]);
  });

  it('leaves a controller that does not say Welcome in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const ends: { reason: string }[] = [];
      let dialled: () => void = () => undefined;
      const dialling = new Promise<void>((resolve) => {
        dialled = resolve;
      });
      let paused: () => void = () => undefined;
      const pausing = new Promise<void>((resolve) => {
        paused = resolve;
      });
      const loop = new SessionLoop({
        open: () => {
          const call = new Duplex({ objectMode: true, read: ignore, write: (_, __, done) => done() });
          dialled();
          return { call, close: () => call.destroy(new Error('closed')) } as never;
        },
        handlers: AGREEABLE,
        log: { warn: (line: never) => ends.push(line) } as never,
        expired: () => false,
        random: () => 0,
        pause: (_, signal) => {
          paused();
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      });
      loop.start();
      await dialling;
      await vi.advanceTimersToNextTimerAsync();
      await pausing;
      await loop.stop();
      expect(ends).toEqual([
        expect.objectContaining({
          reason: 'the controller did not say Welcome within 10000 ms: it is too slow, or none',
        }),
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateDirectory } from '../platform/state-directory.js';
import {
  changeLogLevel,
  fetchExplanation,
  fetchIkeReport,
  fetchStatus,
  QuestionError,
  type StatusSocket,
  serveStatus,
} from './status-socket.js';

const STATUS = {
  edge: { name: 'paris', id: 'e', tenantId: 't', certificateNotAfter: '2027-01-01T00:00:00.000Z' },
  certificate: { condition: 'valid', secondsLeft: 1, renewalAt: '2026-12-01T00:00:00.000Z', problem: null },
  trust: { version: 2, anchors: 1, underIssuing: true },
  pendingIdentity: { edge: null, problem: { reason: 'it is not JSON', fix: 'enroll again' } },
  agentVersion: '1.0.0',
  device: 'weft0',
  connected: true,
  bundle: null,
  closedNetworks: 1,
  tunnels: [],
  drops: [],
  underlayErrors: [],
  pathMtuMessages: [],
  workers: [],
};

const unasked = async () => {
  throw new Error('not asked here');
};
const UNASKED = { explain: unasked, metrics: unasked, 'log-level': unasked, diagnose: unasked };

let directory: string;
let state: StateDirectory;
let socket: StatusSocket | undefined;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'weft-status-'));
  state = await StateDirectory.open(directory);
});

afterEach(async () => {
  await socket?.close();
  socket = undefined;
  rmSync(directory, { recursive: true });
});

const serve = async (ike: () => Promise<unknown> = async () => ({ tunnels: [] })) => {
  socket = await serveStatus(state, { ...UNASKED, status: async () => STATUS, ike });
};

/** What a client gets that writes this and ends. */
const raw = (written: string): Promise<string> => {
  const connection = createConnection(state.file('agent.sock'));
  connection.on('error', () => undefined);
  connection.end(written);
  return text(connection).catch(() => '');
};

describe('The local socket', () => {
  it('answers each question with its document', async () => {
    await serve();
    expect(await fetchStatus(state)).toEqual(STATUS);
    expect(await fetchIkeReport(state)).toEqual({ tunnels: [] });
  });

  it.each(['', '\n', 'secrets\n', `${'x'.repeat(1000)}\n`, 'stat'])('has nothing to say to %j', async (written) => {
    await serve();
    expect(await raw(written)).toBe('');
    expect(await fetchStatus(state)).toEqual(STATUS);
  });

  it('goes on when an answer cannot be made', async () => {
    await serve(() => Promise.reject(new Error('the packet path ended')));
    await expect(fetchIkeReport(state)).rejects.toMatchObject({ code: 'status_unreadable' });
    expect(await fetchStatus(state)).toEqual(STATUS);
  });

  it('hands an argument on, as long as a packet, and says why one was refused', async () => {
    const packet = new Uint8Array(65_535).fill(7);
    const asked: string[] = [];
    socket = await serveStatus(state, {
      ...UNASKED,
      status: async () => STATUS,
      ike: unasked,
      'log-level': async (level) => {
        if (level !== 'debug') throw new QuestionError('question_refused', 'there is no such level', 'say debug');
        return level;
      },
      explain: async (argument) => {
        asked.push(argument);
        throw new QuestionError('question_refused', 'not this one', 'say another');
      },
    });
    expect(await changeLogLevel(state, 'debug')).toBe('debug');
    await expect(changeLogLevel(state, 'loud')).rejects.toMatchObject({
      code: 'question_refused',
      message: 'there is no such level',
      fix: 'say debug',
    });
    await expect(fetchExplanation(state, packet)).rejects.toMatchObject({ message: 'not this one' });
    expect(asked).toEqual([Buffer.from(packet).toString('base64')]);
  });

  it('says when nobody runs, and keeps a second agent out', async () => {
    await expect(fetchStatus(state)).rejects.toMatchObject({ code: 'not_running' });
    await serve();
    await expect(
      serveStatus(state, { ...UNASKED, status: async () => STATUS, ike: async () => ({}) }),
    ).rejects.toMatchObject({
      code: 'already_running',
    });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateDirectory } from '../platform/state-directory.js';
import { fetchIkeReport, fetchStatus, type StatusSocket, serveStatus } from './status-socket.js';

const STATUS = {
  edge: { name: 'paris', id: 'e', tenantId: 't', certificateNotAfter: '2027-01-01T00:00:00.000Z' },
  agentVersion: '1.0.0',
  device: 'weft0',
  connected: true,
  bundle: null,
  tunnels: [],
  drops: [],
  underlayErrors: [],
  pathMtuMessages: [],
  workers: [],
};

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
  socket = await serveStatus(state, { status: async () => STATUS, ike });
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

  it('says when nobody runs, and keeps a second agent out', async () => {
    await expect(fetchStatus(state)).rejects.toMatchObject({ code: 'not_running' });
    await serve();
    await expect(serveStatus(state, { status: async () => STATUS, ike: async () => ({}) })).rejects.toMatchObject({
      code: 'already_running',
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { HostAddress, Resolve } from './marked-connection.js';
import { rememberAddresses } from './remembered-addresses.js';

const FIRST: HostAddress[] = [
  { address: '192.0.2.7', family: 4 },
  { address: '2001:db8::7', family: 6 },
];
const SECOND: HostAddress[] = [{ address: '192.0.2.8', family: 4 }];

/** A state directory in memory, and a resolver that answers what it is given. */
function fixture() {
  const files = new Map<string, Buffer>();
  const writes: string[] = [];
  const troubles: unknown[] = [];
  let answer: Resolve = async () => FIRST;
  const state = {
    read: async (name: string) => files.get(name),
    write: async (name: string, content: Uint8Array) => {
      writes.push(String(content));
      files.set(name, Buffer.from(content));
    },
  };
  const parts = { state, onTrouble: (error: unknown) => troubles.push(error), patience: 20 };
  /** As after a start: it has what was kept, and nothing else. */
  const resolve = (host = 'controller.example') =>
    rememberAddresses({ ...parts, resolve: (name) => answer(name) })(host);
  return {
    files,
    writes,
    troubles,
    state,
    resolve,
    answers: (next: Resolve) => {
      answer = next;
    },
  };
}

const fails: Resolve = async () => {
  throw new Error('EAI_AGAIN');
};
const hangs: Resolve = () => new Promise(() => undefined);

describe('addresses of the controller', () => {
  it('are what the resolver says, and kept only when they are others than before', async () => {
    const { resolve, answers, writes, troubles } = fixture();
    expect(await resolve()).toEqual(FIRST);
    expect(await resolve()).toEqual(FIRST);
    expect(writes).toHaveLength(1);
    answers(async () => SECOND);
    expect(await resolve()).toEqual(SECOND);
    expect([writes.length, troubles]).toEqual([2, []]);
  });

  it.each([
    ['fails', fails],
    ['does not answer', hangs],
  ])('are those of the last time when the resolver %s', async (_, broken) => {
    const { resolve, answers } = fixture();
    await resolve();
    answers(broken);
    expect(await resolve()).toEqual(FIRST);
    // Of another host nothing is known.
    await expect(resolve('other.example')).rejects.toThrow(/EAI_AGAIN|does not answer for other.example/);
  });

  it('are asked for all the same when what was kept is damaged or cannot be kept, and that is said', async () => {
    const { resolve, answers, files, troubles, state } = fixture();
    files.set('controller-addresses.json', Buffer.from('{"host":"controller.example","addresses":[{"address":"x"}]}'));
    expect(await resolve()).toEqual(FIRST);
    expect(troubles).toHaveLength(1);
    expect(await resolve()).toEqual(FIRST);
    expect(troubles).toHaveLength(1);
    state.write = async () => {
      throw new Error('no room');
    };
    answers(async () => SECOND);
    expect(await resolve()).toEqual(SECOND);
    expect(troubles).toHaveLength(2);
  });
});

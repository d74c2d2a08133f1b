import { expect, it } from 'vitest';
import { crashDetectionSecret } from './crash-detection-secret.js';

/** A state directory in memory, and randomness that counts. */
function setUp(content?: Uint8Array) {
  const files = new Map<string, Uint8Array>(content === undefined ? [] : [['ike-crash-detection-secret', content]]);
  let drawn = 0;
  const state = {
    read: async (name: string) => {
      const octets = files.get(name);
      return octets && Buffer.from(octets);
    },
    write: async (name: string, octets: Uint8Array) => void files.set(name, Uint8Array.from(octets)),
  };
  const get = async () => {
    const secret = await crashDetectionSecret(state, (out) => out.fill(++drawn));
    return secret.reveal((octets) => [...octets]);
  };
  return { get, files };
}

it('is made once and then found again', async () => {
  const { get, files } = setUp();
  expect(await get()).toEqual(new Array(32).fill(1));
  expect(await get()).toEqual(new Array(32).fill(1));
  expect([...files.values()].map((octets) => octets.length)).toEqual([32]);
});

it('is made anew when what is there is not it', async () => {
  expect(await setUp(new Uint8Array(5)).get()).toEqual(new Array(32).fill(1));
  expect(await setUp(new Uint8Array(0)).get()).toEqual(new Array(32).fill(1));
  expect(await setUp(new Uint8Array(32).fill(9)).get()).toEqual(new Array(32).fill(9));
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_MAXIMUM_OCTETS, type Frame } from './backup-format.js';
import { decodeFrames, encodeFrames } from './frames.js';

const KEY = Buffer.alloc(32, 7);
const frames = fc.array(
  fc.record({
    kind: fc.constantFrom('H', 'T', 'D', 'E', 'S', 'K') satisfies fc.Arbitrary<Frame['kind']>,
    payload: fc.uint8Array({ maxLength: 64 }).map((octets) => Buffer.from(octets)),
  }),
  { maxLength: 8 },
);
const key = fc.constantFrom(null, KEY);

describe('frames of a backup', () => {
  it('come back as they were, however the octets are cut', async () => {
    await fc.assert(
      fc.asyncProperty(frames, key, fc.integer({ min: 1, max: 40 }), async (written, macKey, size) => {
        expect(await decoded(cut(await encoded(written, macKey), size), macKey)).toEqual(written);
      }),
    );
  });

  it('are refused when an octet is another, is missing or is too much', async () => {
    await fc.assert(
      fc.asyncProperty(frames, key, fc.nat(), fc.integer({ min: 1, max: 255 }), async (written, macKey, at, change) => {
        const octets = await encoded(written, macKey);
        const place = at % octets.length;
        const changed = Buffer.from(octets);
        changed[place] = (changed[place] ?? 0) ^ change;
        for (const wrong of [changed, octets.subarray(0, place), Buffer.concat([octets, Buffer.from([change])])]) {
          await expect(decoded(cut(wrong, 16), macKey)).rejects.toMatchObject({ name: 'BackupError' });
        }
      }),
    );
  });

  it('are refused when they were made with another key, or with none where one is expected', async () => {
    const written: Frame[] = [{ kind: 'D', payload: Buffer.from('row\n') }];
    const other = Buffer.alloc(32, 8);
    await expect(decoded(cut(await encoded(written, KEY), 9), other)).rejects.toMatchObject({ code: 'key' });
    await expect(decoded(cut(await encoded(written, null), 9), KEY)).rejects.toMatchObject({ code: 'key' });
    // Without the key the checksum still says whether the file is whole.
    expect(await decoded(cut(await encoded(written, KEY), 9), null)).toEqual(written);
  });

  it('are refused by their length before they are read', async () => {
    const header = Buffer.alloc(5);
    header.write('D');
    header.writeUInt32BE(FRAME_MAXIMUM_OCTETS + 1, 1);
    await expect(decoded(cut(header, 5), null)).rejects.toMatchObject({ code: 'damaged' });
  });
});

async function encoded(written: readonly Frame[], macKey: Buffer | null): Promise<Buffer> {
  async function* source() {
    yield* written;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of encodeFrames(source(), macKey)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* cut(octets: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

async function decoded(octets: AsyncIterable<Buffer>, macKey: Buffer | null): Promise<Frame[]> {
  const read: Frame[] = [];
  for await (const frame of decodeFrames(octets, macKey)) read.push(frame);
  return read;
}

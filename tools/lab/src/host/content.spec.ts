import { describe, expect, it } from 'vitest';
import { PLAINTEXT_MARKER } from '../capture/inner-traffic.js';
import { digestOf, makeContent } from './content.js';

describe('the content that hosts send', () => {
  it('is the same for the same seed and different for another', () => {
    expect(digestOf(makeContent('berlin', 70_000))).toBe(digestOf(makeContent('berlin', 70_000)));
    expect(digestOf(makeContent('berlin', 70_000))).not.toBe(digestOf(makeContent('paris', 70_000)));
  });

  it('shows the marker in every piece as large as a packet', () => {
    const content = makeContent('berlin', 100_000);
    for (let offset = 0; offset + 1200 <= content.length; offset += 37) {
      expect(content.subarray(offset, offset + 1200).includes(PLAINTEXT_MARKER)).toBe(true);
    }
  });

  it('has one digest however it arrives', () => {
    const content = makeContent('tokyo', 10_000);
    expect(digestOf([content.subarray(0, 1), content.subarray(1, 4_000), content.subarray(4_000)])).toBe(
      digestOf(content),
    );
  });
});

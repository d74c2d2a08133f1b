import { describe, expect, it } from 'vitest';
import { parseDeviceDrops, readDeviceDrops } from './device-drops.js';

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  139404     974    0    0    0     0          0         0   139404     974    0    0    0     0       0          0
 weft0:12345678  901234    1    2    3     4          5         6 67890123   51296    7  342    8     9      10         11
weft0:1:      0       0    0    0    0     0          0         0        0       0    0    5    0     0       0          0
`;

describe('what the kernel drops in front of a device', () => {
  it.each([
    ['weft0', 342n],
    ['weft0:1', 5n],
    ['lo', 0n],
    ['weft', undefined],
  ])('%s: %s', (device, expected) => {
    expect(parseDeviceDrops(TEXT, device)).toBe(expected);
  });

  it('is not guessed from a form that it does not know', () => {
    expect(() => parseDeviceDrops('weft0: 1 2 3', 'weft0')).toThrow(/unknown form/);
  });

  it('is read from this kernel', async () => {
    expect(await readDeviceDrops('lo')).toBeGreaterThanOrEqual(0n);
    expect(await readDeviceDrops('no-such-device')).toBeUndefined();
  });
});

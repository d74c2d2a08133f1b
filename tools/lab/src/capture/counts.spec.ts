import { expect, it } from 'vitest';
import { countsSince } from './counts.js';

it('leaves nothing of the baseline', () => {
  const baseline = {
    packets: 30,
    espPackets: 1,
    cleartextPackets: 8,
    cleartextReasons: { marker: 3, 'inner-address-in-header': 5 },
    droppedByKernel: 2,
  };
  expect(countsSince(baseline, baseline)).toEqual({
    packets: 0,
    espPackets: 0,
    cleartextPackets: 0,
    cleartextReasons: {},
    droppedByKernel: 0,
  });
  const later = {
    ...baseline,
    packets: 40,
    cleartextPackets: 9,
    cleartextReasons: { ...baseline.cleartextReasons, marker: 4 },
  };
  expect(countsSince(baseline, later)).toMatchObject({
    packets: 10,
    cleartextPackets: 1,
    cleartextReasons: { marker: 1 },
  });
});

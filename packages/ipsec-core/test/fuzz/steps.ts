import fc from 'fast-check';
import { mutation } from './mutations.js';
import { CLEAR_KINDS, type ClearShape } from './packets.js';
import type { RudePlaintext } from './rude.js';
import type { Step } from './session.js';
import type { Entrance } from './universe.js';
import { DESTINATIONS } from './world.js';

const shape: fc.Arbitrary<ClearShape> = fc.record({
  kind: fc.constantFrom(...CLEAR_KINDS),
  destination: fc.constantFrom(...DESTINATIONS),
  size: fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 120 }) },
    { weight: 2, arbitrary: fc.integer({ min: 500, max: 1300 }) },
  ),
  trafficClass: fc.constantFrom(0, 0, 0xb8, 1, 2, 3),
});

const few = fc.array(mutation, { maxLength: 2 });
const some = fc.array(mutation, { minLength: 1, maxLength: 4 });

const rude: fc.Arbitrary<RudePlaintext> = fc.record({
  shape,
  mutations: fc.oneof(fc.constant([]), some),
  padding: fc.constantFrom(0, 0, 3, 40, 255),
  padLength: fc.constantFrom(256, 256, 256, 0, 1, 255),
  next: fc.constantFrom(4, 4, 41, 41, 59, 17, 50, 0, 255),
  outerEcn: fc.nat({ max: 3 }),
});

/** Mostly packets that are almost right: those are the ones that get far. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), shape, mutations: fc.constant([]) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), shape, mutations: some }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('receive' as const), pick: fc.nat(), mutations: fc.constant([]) }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('receive' as const), pick: fc.nat(), mutations: few }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rude' as const), line: fc.nat({ max: 3 }), plain: rude }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('noise' as const),
      entrance: fc.constantFrom<Entrance>('protect', 'open', 'openIp', 'receiveClear', 'receiveIcmpError'),
      octets: fc.uint8Array({ maxLength: 120 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), shape, mutations: few }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tooBig' as const),
      pick: fc.nat(),
      mtu: fc.oneof(fc.constantFrom(0, 68, 576, 600, 1280, 65_535), fc.nat({ max: 1500 })),
      mutations: fc.oneof(fc.constant([]), few),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat({ max: 9 }), expire: fc.boolean() }),
  },
);

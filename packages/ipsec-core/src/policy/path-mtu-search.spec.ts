import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathProbe } from '../wire/path-probe.js';
import {
  CONFIRMATION_TIMER,
  ERROR_LIMIT,
  MAX_PROBES,
  PathMtuSearch,
  PMTU_RAISE_TIMER,
  PROBE_TIMER,
} from './path-mtu-search.js';

const MIN = 576;
const BASE = 1280;
const MAX = 1500;
/** Packets have a length of 4n + 1, as those of an association with an alignment of 4. */
const fit = (size: number) => size - ((size - 1) % 4);

/** A path in virtual time: what it carries, how long that takes, and what it loses, may change at any moment. */
class SimulatedPath {
  readonly search = new PathMtuSearch({ minPlpmtu: MIN, basePlpmtu: BASE, maxPlpmtu: MAX }, 0xffff_fffe);
  readonly sent: { readonly at: number; readonly size: number }[] = [];
  readonly answered = new Set<number>();
  now = 0;
  mtu = MAX;
  /** MTU of the first hop, beyond which the system refuses to send. */
  device = 65_535;
  used = true;
  answers = true;
  delay: () => number = () => 20;
  loses: () => boolean = () => false;
  readonly #answers: { readonly at: number; readonly probe: PathProbe }[] = [];
  readonly #watch: (path: SimulatedPath) => void;

  constructor(watch: (path: SimulatedPath) => void = () => undefined) {
    this.#watch = watch;
  }

  /** Lets time pass, from one event to the next. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      this.#settle();
      const next = Math.min(end, Math.max(this.now + 1, this.search.pollAt), ...this.#answers.map(({ at }) => at));
      this.now = next;
      if (next === end) break;
    }
    this.#settle();
  }

  #settle(): void {
    for (let index = 0; index < this.#answers.length; ) {
      const { at, probe } = this.#answers[index] ?? { at: Number.POSITIVE_INFINITY, probe: { token: 0, size: 0 } };
      if (at > this.now) index++;
      else {
        this.#answers.splice(index, 1);
        this.answered.add(probe.size);
        this.search.acknowledge(probe, this.now);
        this.#watch(this);
      }
    }
    for (let count = 0; ; count++) {
      if (count === 10) throw new Error('the search does not come to rest');
      const probe = this.search.poll(this.now, this.used, fit);
      this.#watch(this);
      if (probe === undefined) return;
      this.sent.push({ at: this.now, size: probe.size });
      if (probe.size > this.device) this.search.refuse(probe, this.now);
      else if (this.answers && probe.size <= this.mtu && !this.loses()) {
        this.#answers.push({ at: this.now + this.delay(), probe });
      }
    }
  }
}

/** The state and what is in use. */
const standing = ({ search }: SimulatedPath) => [search.state, search.plpmtu];

describe('datagram packetization layer path MTU discovery (RFC 8899)', () => {
  it('confirms BASE_PLPMTU, then MAX_PLPMTU, and has found what there is in two round trips', () => {
    const path = new SimulatedPath();
    path.pass(1);
    expect([standing(path), path.sent]).toEqual([['base', undefined], [{ at: 0, size: fit(BASE) }]]);
    path.pass(20);
    expect(standing(path)).toEqual(['searching', undefined]);
    path.pass(30);
    expect(standing(path)).toEqual(['search_complete', fit(MAX)]);
    expect(path.sent.map(({ size }) => size)).toEqual([fit(BASE), fit(MAX)]);
  });

  it('falls to BASE_PLPMTU when MAX_PROBES of the largest size are lost, and finds the very size that arrives', () => {
    const path = new SimulatedPath();
    path.mtu = 1411;
    path.pass(MAX_PROBES * PROBE_TIMER - 1);
    expect(path.search.plpmtu).toBeUndefined();
    path.pass(40);
    expect(standing(path)).toEqual(['searching', fit(BASE)]);
    path.pass(30_000);
    expect(standing(path)).toEqual(['search_complete', 1409]);
    for (const { size } of path.sent) expect(size).toBeLessThanOrEqual(MAX);
  });

  it('finds a path below BASE_PLPMTU', () => {
    const path = new SimulatedPath();
    path.mtu = 600;
    path.pass(60_000);
    expect(standing(path)).toEqual(['search_complete', 597]);
  });

  it('notices within eight seconds that the size in use has ceased to arrive, while packets are sent', () => {
    const path = new SimulatedPath();
    path.pass(60_000);
    path.mtu = 1300;
    path.pass(CONFIRMATION_TIMER + (MAX_PROBES + 1) * PROBE_TIMER);
    expect(path.search.plpmtu).toBe(fit(BASE));
    path.pass(30_000);
    expect([standing(path), path.search.blackHoles]).toEqual([['search_complete', 1297], 1]);
  });

  it('asks nothing of a path that is not used, and at once when it is again', () => {
    const path = new SimulatedPath();
    path.used = false;
    path.pass(60_000);
    const before = path.sent.length;
    path.mtu = 1300;
    path.pass(2 * PMTU_RAISE_TIMER);
    expect(path.sent.length).toBe(before);
    path.used = true;
    path.pass((MAX_PROBES + 1) * PROBE_TIMER + 100);
    expect(path.search.plpmtu).toBe(fit(BASE));
  });

  it('looks for more after PMTU_RAISE_TIMER, and loses nothing by looking', () => {
    const path = new SimulatedPath();
    path.mtu = 1400;
    path.pass(60_000);
    path.mtu = 1500;
    path.pass(PMTU_RAISE_TIMER - 60_000);
    expect(path.search.plpmtu).toBe(1397);
    path.pass(60_000);
    expect(standing(path)).toEqual(['search_complete', fit(MAX)]);
  });

  it('takes a path on which nothing arrives for broken, not for narrow', () => {
    const path = new SimulatedPath();
    path.pass(10_000);
    path.mtu = 0;
    path.pass(30_000);
    expect(standing(path)).toEqual(['error', fit(MAX)]);
    path.mtu = MAX;
    path.pass(2 * PROBE_TIMER);
    expect(standing(path)).toEqual(['search_complete', fit(MAX)]);
    // But what is narrower after it was broken is found.
    path.mtu = 0;
    path.pass(30_000);
    path.mtu = 1300;
    path.pass(40_000);
    expect(standing(path)).toEqual(['search_complete', 1297]);
  });

  it('forgets what it knew when nothing was answered for a minute', () => {
    const path = new SimulatedPath();
    path.pass(10_000);
    path.mtu = 0;
    path.pass(ERROR_LIMIT + 20_000);
    expect(standing(path)).toEqual(['disabled', undefined]);
  });

  it('leaves a peer that answers nothing alone: what was configured holds', () => {
    const path = new SimulatedPath();
    path.answers = false;
    path.pass(600_000);
    expect(path.search.plpmtu).toBeUndefined();
    const minute = path.sent.filter(({ at }) => at > 540_000);
    expect(minute.length).toBeGreaterThan(0);
    expect(minute.length).toBeLessThanOrEqual(6);
    path.answers = true;
    path.pass(120_000);
    expect(standing(path)).toEqual(['search_complete', fit(MAX)]);
  });

  it('believes the system at once that a packet is larger than the first hop carries', () => {
    const path = new SimulatedPath();
    path.device = 1300;
    path.pass(1000);
    expect(path.search.plpmtu).toBe(1297);
    path.pass(60_000);
    path.device = 1290;
    path.search.hint(1290, path.now);
    path.pass(1000);
    expect(path.search.plpmtu).toBe(1289);
  });

  it('knows nothing of another path, but that the peer answers', () => {
    const path = new SimulatedPath();
    path.pass(10_000);
    path.search.restart();
    expect(standing(path)).toEqual(['base', undefined]);
    path.mtu = 1400;
    path.pass(30_000);
    expect(standing(path)).toEqual(['search_complete', 1397]);
  });

  it('takes no answer that it did not ask for, nor one twice', () => {
    const search = new PathMtuSearch({ minPlpmtu: MIN, basePlpmtu: BASE, maxPlpmtu: MAX }, 7);
    const probe = search.poll(0, true, fit) ?? { token: 0, size: 0 };
    expect(search.acknowledge({ ...probe, size: 1497 }, 1)).toBe(false);
    expect(search.acknowledge({ ...probe, token: 8 }, 1)).toBe(false);
    expect([search.state, search.plpmtu]).toEqual(['base', undefined]);
    expect(search.acknowledge(probe, 1)).toBe(true);
    expect(search.acknowledge(probe, 1)).toBe(false);
  });

  describe('on any path', () => {
    const changes = fc.array(
      fc.record({ mtu: fc.integer({ min: MIN + 4, max: 1500 }), lasts: fc.nat({ max: 40_000 }) }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    const lies = fc.array(fc.record({ at: fc.nat({ max: 100_000 }), size: fc.nat({ max: 2000 }) }), { maxLength: 20 });
    const weather = fc.record({ loss: fc.constantFrom(0, 0, 0.05, 0.3), jitter: fc.nat({ max: 900 }), seed: fc.nat() });

    it('uses only what was answered, ends every black hole, and finds the very size in the end, whatever anybody says', () => {
      fc.assert(
        fc.property(changes, lies, weather, (list, told, { loss, jitter, seed }) => {
          const random = generator(seed);
          const unanswered = new Set<number>();
          const path = new SimulatedPath(({ search, answered }) => {
            if (search.plpmtu !== undefined && !answered.has(search.plpmtu)) unanswered.add(search.plpmtu);
          });
          path.delay = () => 10 + Math.floor(random() * jitter);
          path.loses = () => random() < loss;
          const waiting = told.toSorted((one, other) => one.at - other.at);
          for (const { mtu, lasts } of list) {
            path.mtu = mtu;
            passWithLies(path, lasts, waiting);
            // However it came here: from now on nothing is lost, and nobody stops lying.
            path.loses = () => false;
            passWithLies(path, loss === 0 ? BLACK_HOLE_LASTS : BLACK_HOLE_LASTS + FORGETTING_LASTS, waiting);
            expect(path.search.plpmtu).toBeDefined();
            expect(path.search.plpmtu).toBeLessThanOrEqual(mtu);
            path.loses = () => random() < loss;
          }
          path.loses = () => false;
          path.pass(PMTU_RAISE_TIMER + 120_000);
          expect(path.search.plpmtu).toBe(fit(path.mtu));
          expect(unanswered).toEqual(new Set());
          for (const { size } of path.sent) if (fit(size) !== size) throw new Error(`no packet has ${size} octets`);
          for (const { at } of path.sent.filter((_, index) => index % 16 === 0)) {
            expect(path.sent.filter((other) => other.at >= at && other.at < at + 1000).length).toBeLessThan(24);
          }
        }),
        { numRuns: 100 },
      );
    });

    /** A lie changes nothing by itself. */
    function passWithLies(path: SimulatedPath, milliseconds: number, waiting: { at: number; size: number }[]): void {
      const end = path.now + milliseconds;
      for (let lie = waiting[0]; lie !== undefined && lie.at < end; lie = waiting[0]) {
        waiting.shift();
        path.pass(Math.max(0, lie.at - path.now));
        const before = standing(path);
        path.search.hint(lie.size, path.now);
        expect(standing(path)).toEqual(before);
      }
      path.pass(end - path.now);
    }
  });
});

/** Park and Miller's, so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A confirmation is due, a search has just asked for something else, and not even BASE_PLPMTU arrives. */
const BLACK_HOLE_LASTS = CONFIRMATION_TIMER + 3 * (MAX_PROBES + 1) * PROBE_TIMER;
/** So much was lost that the peer was taken for one that does not answer, and is asked once a minute. */
const FORGETTING_LASTS = ERROR_LIMIT + 80_000;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathMtu } from './path-mtu.js';

const MINUTE = 60_000;
const make = (more: object = {}, family: 4 | 6 = 4) => new PathMtu({ mtu: 1500, ...more }, family);

/** The path MTU as the list of everything that was said: slow and obvious. */
function oracle(said: readonly (readonly ['icmp' | 'probe', number, number])[], now: number, family: 4 | 6): number {
  const probes = said.filter(([kind]) => kind === 'probe');
  const last = probes.at(-1);
  const lowest = family === 6 ? 1280 : 68;
  const ceiling = last === undefined ? 1500 : Math.min(1500, Math.max(last[1], lowest));
  let value = 1500;
  let until = Number.POSITIVE_INFINITY;
  let top = 1500;
  let probed = false;
  for (const [kind, mtu, at] of said) {
    if (kind === 'probe') probed = true;
    if (at >= until) {
      value = top;
      until = Number.POSITIVE_INFINITY;
    }
    if (kind === 'probe') {
      top = Math.min(1500, Math.max(mtu, lowest));
      value = top;
      until = Number.POSITIVE_INFINITY;
    } else if (!probed && Math.max(mtu, family === 6 ? 1280 : 576) < value) {
      value = Math.max(mtu, family === 6 ? 1280 : 576);
      until = at + 10 * MINUTE;
    }
  }
  return now >= until ? ceiling : value;
}

describe('path MTU of an association (RFC 4301 section 8.2)', () => {
  const reports = fc.array(
    fc.tuple(fc.constantFrom('icmp', 'icmp', 'probe'), fc.nat({ max: 2000 }), fc.nat({ max: 6 * MINUTE })),
    { maxLength: 12 },
  );

  it('agrees with the history of everything that was said, and stays within bounds', () => {
    fc.assert(
      fc.property(reports, fc.constantFrom(4, 6), fc.nat({ max: 20 * MINUTE }), (list, family, rest) => {
        const path = make({}, family as 4 | 6);
        let now = 0;
        const said: (readonly ['icmp' | 'probe', number, number])[] = [];
        for (const [kind, mtu, later] of list) {
          now += later;
          const before = path.current(now);
          const change = kind === 'icmp' ? path.reduce(mtu, now) : path.confirm(mtu, now);
          said.push([kind as 'icmp' | 'probe', mtu, now]);
          const after = path.current(now);
          expect(after).toBe(oracle(said, now, family as 4 | 6));
          expect(change).toBe(after === before ? 'unchanged' : after < before ? 'lowered' : 'raised');
          if (kind === 'icmp') expect(after).toBeLessThanOrEqual(before);
          expect(after).toBeLessThanOrEqual(1500);
        }
        expect(path.current(now + rest)).toBe(oracle(said, now + rest, family as 4 | 6));
      }),
      { numRuns: 1000 },
    );
  });

  it('lets no message push it below 1280 (IPv6) or 576 (IPv4), or the configured minimum', () => {
    for (const [family, more, floor] of [
      [6, {}, 1280],
      [4, {}, 576],
      [4, { minimum: 68 }, 68],
      [6, { minimum: 1400 }, 1400],
    ] as const) {
      const path = make(more, family);
      for (const mtu of [1499, 1300, 600, 70, 0]) path.reduce(mtu, 1);
      expect(path.current(1)).toBe(floor);
    }
  });

  it('goes back up ten minutes after the last reduction, not before (RFC 1191 section 6.3)', () => {
    const path = make();
    expect(path.raiseAt(0)).toBeUndefined();
    path.reduce(1400, 0);
    path.reduce(1300, 5 * MINUTE);
    // Repeating what is known prolongs nothing: a larger packet has to find out again.
    path.reduce(1300, 9 * MINUTE);
    expect(path.raiseAt(9 * MINUTE)).toBe(15 * MINUTE);
    expect(path.raiseAt(15 * MINUTE)).toBeUndefined();
    expect([path.current(15 * MINUTE - 1), path.source(15 * MINUTE - 1)]).toEqual([1300, 'icmp']);
    expect([path.current(15 * MINUTE), path.source(15 * MINUTE)]).toEqual([1500, 'configured']);
  });

  it('goes back up after the time that is configured', () => {
    const path = make({ agingMilliseconds: 20 * MINUTE });
    path.reduce(1300, 0);
    expect([path.current(20 * MINUTE - 1), path.current(20 * MINUTE)]).toEqual([1300, 1500]);
  });

  it('keeps what a probe found, whatever unauthenticated messages say', () => {
    const path = make();
    path.reduce(1300, 0);
    path.confirm(1420, 1);
    expect([path.reduce(1300, 2), path.current(2), path.source(2)]).toEqual(['unchanged', 1420, 'probe']);
    expect([path.current(2000 * MINUTE), path.confirmed]).toEqual([1420, 1420]);
    path.forget();
    expect([path.current(2000 * MINUTE), path.source(2000 * MINUTE)]).toEqual([1500, 'configured']);
    expect([path.reduce(1300, 2000 * MINUTE), path.confirmed]).toEqual(['lowered', undefined]);
  });

  it('is handed on at a rekey when the path is the same', () => {
    const path = make();
    path.reduce(1300, 0);
    const same = make();
    same.inherit(path);
    expect([same.current(1), same.raiseAt(1)]).toEqual([1300, 10 * MINUTE]);
    for (const other of [make({ mtu: 1400 }), make({ underlay: { family: 4, udp: true } }), make({}, 6)]) {
      other.inherit(path);
      expect(other.current(1)).toBe(other.maximum);
    }
  });

  it.each([
    [{ mtu: 575 }, 4],
    [{ mtu: 1279 }, 6],
    [{ mtu: 65_536 }, 4],
    [{ mtu: 1500.5 }, 4],
    [{ mtu: 1500, minimum: 67 }, 4],
    [{ mtu: 1500, minimum: 1279 }, 6],
    [{ mtu: 1500, minimum: 1501 }, 4],
    [{ mtu: 1500, agingMilliseconds: 299_999 }, 4],
    [{ mtu: 1500, agingMilliseconds: Number.NaN }, 4],
  ] as const)('refuses %j for IPv%d', (parameters, family) => {
    expect(() => new PathMtu(parameters, family)).toThrowError(expect.objectContaining({ code: 'PATH_MTU' }));
  });
});

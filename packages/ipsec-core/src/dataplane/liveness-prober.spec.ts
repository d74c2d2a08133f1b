import { describe, expect, it } from 'vitest';
import { association, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { DataPlane } from './data-plane.js';

const WATCHED = { tunnelId: 't', interval: 500, misses: 3 };
const PATH = { pathMtu: { mtu: 1500, underlay: { family: 4, udp: true } } } as const;

/** Two edges; what the one sends for the path's sake arrives at the other unless the way is cut. */
class Pair {
  readonly a = plane([protect('e', selector([], []))], { pathProbing: true });
  readonly b = plane([protect('e', selector([], []))], { pathProbing: true });
  now = 0;
  cut: 'none' | 'there' | 'back' = 'none';
  readonly news: { at: number; alive: boolean }[] = [];

  key(spi = 0x1000): void {
    for (const [from, to, offset] of [
      [this.a, this.b, 0],
      [this.b, this.a, 0x100],
    ] as const) {
      to.install(association('inbound', { spi: spi + offset }), this.now);
      from.install(association('outbound', { spi: spi + offset, ...PATH }), this.now);
    }
  }

  pass(milliseconds: number): void {
    for (const end = this.now + milliseconds; this.now < end; this.now += 10) {
      this.#carry(this.a, this.b, this.cut === 'there');
      this.#carry(this.b, this.a, this.cut === 'back');
      this.#carry(this.a, this.b, this.cut === 'there');
      if (!this.a.paths.livenessWaits) continue;
      for (const { alive } of this.a.paths.takeLiveness()) this.news.push({ at: this.now, alive });
    }
  }

  #carry(from: DataPlane, to: DataPlane, lost: boolean): void {
    for (const message of from.paths.takeMessages()) from.paths.receive(message, this.now);
    const sealed = new Uint8Array(2000);
    while (from.paths.dueAt <= this.now) {
      const packet = from.paths.next(sealed, 0, this.now);
      if (packet === undefined) return;
      if (!lost) to.open(sealed, 0, packet.length, new Uint8Array(2000), 0, this.now);
    }
  }
}

describe('a watched tunnel', () => {
  it('is told to be alive, then dead when either way is cut, and alive again', () => {
    for (const cut of ['there', 'back'] as const) {
      const pair = new Pair();
      pair.a.paths.watch([WATCHED]);
      pair.pass(5000);
      expect(pair.news).toEqual([]);
      pair.key();
      pair.pass(5000);
      expect(pair.news.map(({ alive }) => alive)).toEqual([true]);
      const cutAt = pair.now;
      pair.cut = cut;
      pair.pass(5000);
      expect(pair.news.map(({ alive }) => alive)).toEqual([true, false]);
      expect((pair.news[1]?.at ?? 0) - cutAt).toBeLessThanOrEqual(4 * WATCHED.interval);
      pair.cut = 'none';
      pair.pass(1000);
      expect(pair.news.map(({ alive }) => alive)).toEqual([true, false, true]);
      expect(drops(pair.a)).toEqual({});
    }
  });

  it('stays alive over a rekey and when it is watched again, and says nothing when it is watched no more', () => {
    const pair = new Pair();
    pair.a.paths.watch([WATCHED]);
    pair.key();
    pair.pass(2000);
    pair.key(0x3000);
    pair.b.removeInbound(0x1000);
    pair.a.removeOutbound('t', 0x1000);
    pair.a.paths.watch([WATCHED]);
    pair.pass(10_000);
    expect(pair.news.map(({ alive }) => alive)).toEqual([true]);
    pair.a.paths.watch([]);
    pair.cut = 'there';
    pair.pass(10_000);
    expect(pair.news.map(({ alive }) => alive)).toEqual([true]);
  });

  it('tells how many of its probes are answered, and how long that takes', () => {
    const pair = new Pair();
    pair.a.paths.watch([WATCHED]);
    pair.key();
    pair.pass(5000);
    const [before] = pair.a.tunnels();
    expect(before?.roundTripProbes).toBe(10n);
    expect(before?.roundTripAnswers).toBe(10n);
    expect(before?.roundTrip).toBeGreaterThan(0);
    pair.cut = 'back';
    pair.pass(5000);
    expect(pair.a.tunnels()).toMatchObject([{ roundTripProbes: 20n, roundTripAnswers: 10n }]);
  });

  it('begins anew with another association after there was none', () => {
    const pair = new Pair();
    pair.a.paths.watch([WATCHED]);
    pair.key();
    pair.pass(1000);
    pair.a.removeOutbound('t', 0x1000);
    pair.key(0x3000);
    pair.pass(1000);
    expect(pair.news.map(({ alive }) => alive)).toEqual([true, true]);
    pair.a.removeOutbound('t', 0x3000);
    pair.pass(5000);
    expect(pair.news).toHaveLength(2);
  });

  it('is left to the engine that sends in it', () => {
    const pair = new Pair();
    pair.a.paths.watch([WATCHED]);
    pair.a.install(association('outbound', { spi: 0x1000, sentBy: 1, ...PATH }), 0);
    pair.pass(5000);
    expect(pair.news).toEqual([]);
    expect(pair.a.paths.receive({ kind: 'answer', tunnelId: 't', size: 0, token: 0 }, pair.now)).toBe(false);
  });
});

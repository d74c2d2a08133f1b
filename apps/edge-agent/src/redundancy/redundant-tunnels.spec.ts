import { describe, expect, it } from 'vitest';
import { RedundantTunnels, type TunnelMove } from './redundant-tunnels.js';

const GROUP = { groupId: 'g', tunnelIds: ['a', 'b'], probeInterval: 500, missedProbes: 3, holdDown: 5000 };

/** With a clock that stands still until it is moved, and one timer. */
class Setup {
  now = 0;
  readonly moves: TunnelMove[] = [];
  #timer: { readonly at: number; readonly run: () => void } | undefined;
  readonly tunnels = new RedundantTunnels({
    clock: () => this.now,
    after: (milliseconds, run) => {
      const timer = { at: this.now + milliseconds, run };
      this.#timer = timer;
      return () => {
        if (this.#timer === timer) this.#timer = undefined;
      };
    },
    moved: (move) => this.moves.push(move),
  });

  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let timer = this.#timer; timer !== undefined && timer.at <= end; timer = this.#timer) {
      this.now = timer.at;
      this.#timer = undefined;
      timer.run();
    }
    this.now = end;
  }

  get waits(): boolean {
    return this.#timer !== undefined;
  }
}

describe('the tunnels to a site with several edges', () => {
  it('move away at once and back after the hold-down, and say so', () => {
    const setup = new Setup();
    const { tunnels } = setup;
    tunnels.configure([GROUP]);
    tunnels.take([
      { tunnelId: 'a', alive: true },
      { tunnelId: 'b', alive: true },
    ]);
    setup.pass(1000);
    tunnels.take([{ tunnelId: 'a', alive: false }]);
    expect(tunnels.choices()).toEqual(new Map([['a', 'b']]));
    setup.pass(1000);
    tunnels.take([{ tunnelId: 'a', alive: true }]);
    setup.pass(4999);
    expect(setup.moves).toHaveLength(1);
    setup.pass(1);
    expect(setup.moves).toEqual([
      { groupId: 'g', from: 'a', to: 'b', back: false, aliveFor: 1000 },
      { groupId: 'g', from: 'b', to: 'a', back: true, aliveFor: 5000 },
    ]);
    expect(setup.waits).toBe(false);
  });

  it('do not say that they go back where one peer answered before the other, though both are heard of at once', () => {
    const { tunnels, moves } = new Setup();
    tunnels.configure([GROUP]);
    tunnels.take([
      { tunnelId: 'b', alive: true },
      { tunnelId: 'a', alive: true },
    ]);
    expect(moves).toEqual([{ groupId: 'g', from: 'a', to: 'b', back: false, aliveFor: 0 }]);
  });

  it('keep what is known of them when a bundle brings them again, and tell beforehand where packets will go', () => {
    const setup = new Setup();
    const { tunnels } = setup;
    tunnels.configure([GROUP]);
    tunnels.take([{ tunnelId: 'b', alive: true }]);
    const other = { ...GROUP, groupId: 'h', tunnelIds: ['c', 'd'] };
    expect(tunnels.choicesIn([GROUP, other])).toEqual(new Map(Object.entries({ a: 'b', c: 'c' })));
    tunnels.configure([GROUP, other]);
    expect(tunnels.states()).toEqual([
      {
        groupId: 'g',
        tunnels: [
          { tunnelId: 'a', chosen: false, alive: false },
          { tunnelId: 'b', chosen: true, alive: true },
        ],
      },
      {
        groupId: 'h',
        tunnels: [
          { tunnelId: 'c', chosen: true, alive: false },
          { tunnelId: 'd', chosen: false, alive: false },
        ],
      },
    ]);
  });

  it('wait for nothing when they are stopped, or gone', () => {
    const setup = new Setup();
    setup.tunnels.configure([GROUP]);
    setup.tunnels.take([
      { tunnelId: 'b', alive: true },
      { tunnelId: 'a', alive: true },
    ]);
    expect(setup.waits).toBe(true);
    setup.tunnels.stop();
    expect(setup.waits).toBe(false);
  });
});

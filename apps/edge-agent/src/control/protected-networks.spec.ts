import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protectedRanges, type TextRange, unionOfRanges } from '../network/protected-ranges.js';
import { closedState, NO_NETWORKS, parseProtectedNetworks, unionOfNetworks } from './protected-networks.js';
import { type Command, reconcile, type SystemState } from './reconciler.js';

const OPEN = {
  mtu: 1500,
  up: false,
  underlay: undefined,
  deviceRoutes: new Set<string>(),
  unreachableRoutes: new Set<string>(),
  directRoutes: new Set<string>(),
  steersIpv4: false,
  steersIpv6: false,
  forwardsIpv4: false,
  forwardsIpv6: false,
  fence: undefined,
  contentHash: undefined,
  connected: new Set<string>(),
};
const PREFIXES = ['10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16', '10.2.128.0/17', '2001:db8::/32', '2001:db8:2::/48'];
const prefixes = fc.uniqueArray(fc.constantFrom(...PREFIXES));
const networks = fc.record({ routes: prefixes, localNetworks: prefixes });

/** What each step does to fence and routes. */
function perform(state: SystemState, command: Command): SystemState {
  switch (command.kind) {
    case 'build_fence':
      return { ...state, fence: command.ranges };
    case 'add_unreachable_routes':
      return { ...state, unreachableRoutes: new Set([...state.unreachableRoutes, ...command.prefixes]) };
    case 'remove_unreachable_routes':
      return { ...state, unreachableRoutes: without(state.unreachableRoutes, command.prefixes) };
    case 'add_direct_routes':
      return { ...state, directRoutes: new Set([...state.directRoutes, ...command.prefixes]) };
    case 'remove_direct_routes':
      return { ...state, directRoutes: without(state.directRoutes, command.prefixes) };
    case 'add_device_routes':
      return { ...state, deviceRoutes: new Set([...state.deviceRoutes, ...command.prefixes]) };
    case 'add_rule':
      return command.family === 4 ? { ...state, steersIpv4: true } : { ...state, steersIpv6: true };
    case 'remove_rule':
      return command.family === 4 ? { ...state, steersIpv4: false } : { ...state, steersIpv6: false };
    default:
      return state;
  }
}

function without(set: ReadonlySet<string>, gone: readonly string[]): ReadonlySet<string> {
  return new Set([...set].filter((prefix) => !gone.includes(prefix)));
}

/** Whether all of these are within those. */
function covers(fence: readonly TextRange[] | undefined, ranges: readonly TextRange[]): boolean {
  return JSON.stringify(unionOfRanges([fence ?? [], ranges])) === JSON.stringify(unionOfRanges([fence ?? []]));
}

describe('networks that are closed before the first bundle', () => {
  it('are reached with steps of which none is left, and with which nothing is opened', () => {
    fc.assert(
      fc.property(networks, networks, prefixes, (before, next, connected) => {
        const found = { ...OPEN, connected: new Set(connected) };
        const closed = reconcile(closedState(before, found), found).reduce(perform, found) as typeof found;
        const routes = [...closed.unreachableRoutes];
        const again = reconcile(closedState(next, closed), closed).reduce(perform, closed) as typeof found;
        expect(reconcile(closedState(next, again), again)).toEqual([]);
        expect(routes.every((route) => again.unreachableRoutes.has(route))).toBe(true);
        if (next.routes.length > 0) expect([...again.unreachableRoutes]).toEqual(expect.arrayContaining(next.routes));
        // What this machine is on can be reached; what it is not on and is named cannot.
        const direct = [...connected, ...next.localNetworks.filter((text) => !again.unreachableRoutes.has(text))];
        if (next.routes.length > 0) expect(again.fence).toEqual(protectedRanges(again.unreachableRoutes, direct));
      }),
    );
  });

  it('stay closed at every step to a bundle that has them, and to one that is taken back', () => {
    fc.assert(
      fc.property(networks, prefixes, prefixes, (first, routes, connected) => {
        const found = { ...OPEN, connected: new Set(connected) };
        const closed = reconcile(closedState(first, found), found).reduce(perform, found);
        const bundle: SystemState = {
          ...closed,
          deviceRoutes: new Set(routes),
          unreachableRoutes: new Set(routes),
          fence: protectedRanges(routes, connected),
          contentHash: 'aa',
        };
        const ofBundle = bundle.fence ?? [];
        let current: SystemState = closed;
        for (const command of reconcile(bundle, closed)) {
          // The old fence is up, or the new one: one of them always is whole.
          current = perform(current, command);
          expect(covers(current.fence, closed.fence ?? []) || covers(current.fence, ofBundle)).toBe(true);
        }
        for (const command of reconcile(closed, current)) current = perform(current, command);
        expect(covers(current.fence, closed.fence ?? [])).toBe(true);
        expect(current.unreachableRoutes).toEqual(closed.unreachableRoutes);
      }),
    );
  });

  it('leave what this machine is on reachable, also where that is named itself, and its own site', () => {
    const found = { ...OPEN, connected: new Set(['192.0.2.0/24', '10.9.0.0/24']) };
    const state = closedState({ routes: ['10.0.0.0/8', '192.0.2.0/24'], localNetworks: ['10.1.0.0/24'] }, found);
    expect([...state.directRoutes].sort()).toEqual(['10.1.0.0/24', '10.9.0.0/24', '192.0.2.0/24']);
    expect(state.fence).toEqual(protectedRanges(['10.0.0.0/8'], ['10.1.0.0/24', '10.9.0.0/24']));
  });

  it('are none: the machine stays as it is', () => {
    const left = { ...OPEN, unreachableRoutes: new Set(['10.2.0.0/24']), fence: protectedRanges(['10.2.0.0/24'], []) };
    expect(closedState(NO_NETWORKS, left)).toBe(left);
    expect(reconcile(closedState(NO_NETWORKS, OPEN), OPEN)).toEqual([]);
  });

  it('come from a controller in canonical text, or are refused with where that is not', () => {
    expect(parseProtectedNetworks({ routes: ['2001:DB8:0::/48'], localNetworks: ['10.1.0.0/16'] })).toEqual({
      routes: ['2001:db8::/48'],
      localNetworks: ['10.1.0.0/16'],
    });
    expect(() => parseProtectedNetworks({ routes: ['10.2.0.0/16', '10.1.0.1/16'], localNetworks: [] })).toThrow(
      expect.objectContaining({ path: 'protected_networks.routes[1]', rule: 'bad_prefix' }),
    );
    const one = { routes: ['10.2.0.0/16'], localNetworks: [] };
    expect(unionOfNetworks([one, NO_NETWORKS, one])).toEqual(one);
  });
});

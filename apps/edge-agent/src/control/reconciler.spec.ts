import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testBundle } from '../../test/support/test-bundle.js';
import { protectedRanges, unionOfRanges } from '../network/protected-ranges.js';
import { parseBundle } from './bundle/parse-bundle.js';
import type { UnderlayAddress, VerifiedBundle } from './bundle/verified-bundle.js';
import { type Command, describeCommand, desiredState, reconcile, type SystemState } from './reconciler.js';

const underlays: readonly UnderlayAddress[] = [1, 2].map((last) => ({
  text: `192.0.2.${last}`,
  octets: Uint8Array.of(192, 0, 2, last),
  port: 4500,
}));
const prefixes = fc.uniqueArray(fc.constantFrom('10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16', '2001:db8::/32'));
const ranges = fc
  .uniqueArray(fc.constantFrom('10.1.0.0/16', '10.2.0.0/16', '10.2.128.0/17', '10.9.0.0/16', '2001:db8::/32'))
  .map((routes) => protectedRanges(routes, []));
const state: fc.Arbitrary<SystemState> = fc.record({
  mtu: fc.constantFrom(1400, 1422),
  up: fc.boolean(),
  underlay: fc.constantFrom(undefined, ...underlays),
  deviceRoutes: prefixes.map((list) => new Set(list)),
  unreachableRoutes: prefixes.map((list) => new Set(list)),
  directRoutes: prefixes.map((list) => new Set(list)),
  steersIpv4: fc.boolean(),
  steersIpv6: fc.boolean(),
  forwardsIpv4: fc.boolean(),
  forwardsIpv6: fc.boolean(),
  fence: fc.option(ranges, { nil: undefined }),
  contentHash: fc.constantFrom(undefined, 'aa', 'bb'),
});

/** The machine as a model: what each command does to it. */
function perform(current: SystemState, command: Command): SystemState {
  switch (command.kind) {
    case 'bind_underlay':
      return { ...current, underlay: command.underlay };
    case 'add_unreachable_routes':
      return { ...current, unreachableRoutes: new Set([...current.unreachableRoutes, ...command.prefixes]) };
    case 'add_device_routes':
      return { ...current, deviceRoutes: new Set([...current.deviceRoutes, ...command.prefixes]) };
    case 'remove_device_routes':
      return { ...current, deviceRoutes: without(current.deviceRoutes, command.prefixes) };
    case 'remove_unreachable_routes':
      return { ...current, unreachableRoutes: without(current.unreachableRoutes, command.prefixes) };
    case 'configure_device':
      return { ...current, up: true, mtu: command.mtu };
    case 'enable_forwarding':
      return command.family === 4 ? { ...current, forwardsIpv4: true } : { ...current, forwardsIpv6: true };
    case 'add_direct_routes':
      return { ...current, directRoutes: new Set([...current.directRoutes, ...command.prefixes]) };
    case 'remove_direct_routes':
      return { ...current, directRoutes: without(current.directRoutes, command.prefixes) };
    case 'add_rule':
    case 'remove_rule': {
      const steers = command.kind === 'add_rule';
      return command.family === 4 ? { ...current, steersIpv4: steers } : { ...current, steersIpv6: steers };
    }
    case 'build_fence':
      return { ...current, fence: command.ranges };
    case 'remove_fence':
      return { ...current, fence: undefined };
    case 'load_policies':
      return { ...current, contentHash: command.contentHash };
    case 'unload_policies':
      return { ...current, contentHash: undefined };
  }
}

function without(set: ReadonlySet<string>, gone: readonly string[]): ReadonlySet<string> {
  return new Set([...set].filter((prefix) => !gone.includes(prefix)));
}

describe('a mapped network', () => {
  it('is kept off all other ways, under the prefix that the fabric knows, and left alone under that of the site', () => {
    const bundle = testBundle();
    bundle.networkMappings.push({ local: '10.0.0.0/24', overlay: '10.1.0.0/24' });
    const parsed = { ...parseBundle(bundle), contentHash: 'aa' } as unknown as VerifiedBundle;
    const { deviceRoutes, unreachableRoutes, directRoutes, fence } = desiredState(parsed, new Set(['10.0.0.0/24']));
    expect([...deviceRoutes]).toEqual(['10.2.0.0/24', '2001:db8:2::/64', '10.1.0.0/24']);
    expect(unreachableRoutes).toEqual(deviceRoutes);
    expect([...directRoutes]).toEqual([]);
    expect(fence).toContainEqual({ family: 4, first: '10.1.0.0', last: '10.1.0.255' });
    bundle.routes.push('10.0.0.0/8');
    expect(() => parseBundle(bundle)).toThrow('10.0.0.0/24 and 10.0.0.0/8 overlap');
  });
});

describe('reconcile', () => {
  it('leads from any state to any other, and then has nothing to do', () => {
    fc.assert(
      fc.property(state, state, (desired, actual) => {
        const reached = reconcile(desired, actual).reduce(perform, actual);
        expect(reconcile(desired, reached)).toEqual([]);
        expect(reached.deviceRoutes).toEqual(desired.deviceRoutes);
        expect(reached.unreachableRoutes).toEqual(desired.unreachableRoutes);
        expect(reached.directRoutes).toEqual(desired.directRoutes);
        expect([reached.steersIpv4, reached.steersIpv6]).toEqual([desired.steersIpv4, desired.steersIpv6]);
        expect(reached.contentHash).toBe(desired.contentHash);
        expect(reached.fence).toEqual(desired.fence);
      }),
    );
  });

  it('keeps in at every step what is to be kept in before and after it', () => {
    const fenced = fc.record({ routes: prefixes, base: state }).map(({ routes, base }) => ({
      ...base,
      deviceRoutes: new Set(routes),
      fence: protectedRanges(routes, []),
    }));
    fc.assert(
      fc.property(fenced, fenced, (desired, actual) => {
        let current: SystemState = actual;
        for (const command of reconcile(desired, actual)) {
          current = perform(current, command);
          const routed = protectedRanges(current.deviceRoutes, []);
          expect(unionOfRanges([current.fence ?? [], routed])).toEqual(current.fence);
        }
      }),
    );
  });

  it('never has a route into the device without its unreachable shadow, if both ends are so', () => {
    const shadowed = state.map((value) => ({ ...value, unreachableRoutes: value.deviceRoutes }));
    fc.assert(
      fc.property(shadowed, shadowed, (desired, actual) => {
        let current: SystemState = actual;
        for (const command of reconcile(desired, actual)) {
          current = perform(current, command);
          for (const prefix of current.deviceRoutes) expect(current.unreachableRoutes).toContain(prefix);
        }
      }),
    );
  });

  it('never has a route that the kernel does not look up, if both ends are so', () => {
    const steered = state.map((value) => ({
      ...value,
      steersIpv4: [...value.unreachableRoutes].some((prefix) => !prefix.includes(':')),
      steersIpv6: [...value.unreachableRoutes].some((prefix) => prefix.includes(':')),
    }));
    fc.assert(
      fc.property(steered, steered, (desired, actual) => {
        let current: SystemState = actual;
        for (const command of reconcile(desired, actual)) {
          current = perform(current, command);
          for (const prefix of current.unreachableRoutes) {
            expect(prefix.includes(':') ? current.steersIpv6 : current.steersIpv4).toBe(true);
          }
        }
      }),
    );
  });

  it('loads the policies again when only the socket changed, and describes every step', () => {
    const before: SystemState = {
      mtu: 1422,
      up: true,
      underlay: underlays[0],
      deviceRoutes: new Set(),
      unreachableRoutes: new Set(),
      directRoutes: new Set(),
      steersIpv4: false,
      steersIpv6: false,
      forwardsIpv4: false,
      forwardsIpv6: false,
      fence: undefined,
      contentHash: 'aa',
    };
    const commands = reconcile({ ...before, underlay: underlays[1] }, before);
    expect(commands.map(describeCommand)).toEqual([
      'bind the underlay socket to 192.0.2.2 port 4500',
      'load the policies of aa',
    ]);
  });
});

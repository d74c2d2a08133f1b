import { protectedRanges, type TextRange, unionOfRanges } from '../network/protected-ranges.js';
import { siteNetworks } from './bundle/parse-network-mappings.js';
import type { UnderlayAddress, VerifiedBundle } from './bundle/verified-bundle.js';
import { directPrefixes } from './direct-prefixes.js';

/** Where protected packets come to and go from. */
export interface DesiredUnderlay extends UnderlayAddress {
  /** Further uplinks, preferred first. */
  readonly others?: readonly UnderlayAddress[];
}

/** Everything that a bundle decides outside the engine, desired or as found. */
export interface SystemState {
  readonly mtu: number;
  readonly up: boolean;
  readonly underlay: DesiredUnderlay | undefined;
  readonly deviceRoutes: ReadonlySet<string>;
  readonly unreachableRoutes: ReadonlySet<string>;
  /** Prefixes within those that are not for the device. */
  readonly directRoutes: ReadonlySet<string>;
  /** Whether packets other than our own are looked up in these routes before any others. */
  readonly steersIpv4: boolean;
  readonly steersIpv6: boolean;
  readonly forwardsIpv4: boolean;
  readonly forwardsIpv6: boolean;
  /** Addresses that packets go to and come from by the overlay device alone; undefined: nothing sees to it. */
  readonly fence: readonly TextRange[] | undefined;
  /** Bundle whose policies the data plane runs. */
  readonly contentHash: string | undefined;
}

/** One step towards the desired state. */
export type Command =
  | { readonly kind: 'build_fence'; readonly ranges: readonly TextRange[] }
  | { readonly kind: 'remove_fence' }
  | { readonly kind: 'bind_underlay'; readonly underlay: DesiredUnderlay; readonly contentHash: string | undefined }
  | { readonly kind: 'add_rule'; readonly family: 4 | 6 }
  | { readonly kind: 'remove_rule'; readonly family: 4 | 6 }
  | { readonly kind: 'add_direct_routes'; readonly prefixes: readonly string[] }
  | { readonly kind: 'remove_direct_routes'; readonly prefixes: readonly string[] }
  | { readonly kind: 'add_unreachable_routes'; readonly prefixes: readonly string[] }
  | { readonly kind: 'configure_device'; readonly mtu: number }
  | { readonly kind: 'enable_forwarding'; readonly family: 4 | 6 }
  | { readonly kind: 'load_policies'; readonly contentHash: string }
  | { readonly kind: 'unload_policies' }
  | { readonly kind: 'add_device_routes'; readonly prefixes: readonly string[] }
  | { readonly kind: 'remove_device_routes'; readonly prefixes: readonly string[] }
  | { readonly kind: 'remove_unreachable_routes'; readonly prefixes: readonly string[] };

/**
 * What a bundle wants of the system, which is on the networks `connected`. Forwarding is wanted per family, and never taken
 * away again.
 */
export function desiredState(bundle: VerifiedBundle, connected: ReadonlySet<string>): SystemState {
  // A mapped prefix is nobody's address here: what is for one goes into the device, whose policy refuses it, and never elsewhere.
  const inside = [...bundle.routes, ...bundle.mappings.map(({ overlay }) => overlay)];
  const routes = new Set(inside.map(({ text }) => text));
  const routed = new Set(inside.map(({ family }) => family));
  const families = new Set(bundle.localNetworks.map(({ family }) => family));
  const directRoutes = directPrefixes(inside, siteNetworks(bundle.localNetworks, bundle.mappings), connected);
  return {
    mtu: bundle.overlayMtu,
    up: true,
    underlay: { ...bundle.underlay, others: bundle.otherUnderlays ?? [] },
    deviceRoutes: routes,
    unreachableRoutes: routes,
    directRoutes,
    steersIpv4: routed.has(4),
    steersIpv6: routed.has(6),
    forwardsIpv4: families.has(4),
    forwardsIpv6: families.has(6),
    fence: protectedRanges(routes, directRoutes),
    contentHash: bundle.contentHash,
  };
}

/**
 * The steps from `actual` to `desired`; none when they agree, which is also what the self-test asks. The order keeps
 * traffic of remote sites inside at every moment: first the fence, then the rule that has our routes looked up, then the shadow
 * routes that fail closed, then the policies, then the routes into the device; away they go in reverse.
 */
export function reconcile(desired: SystemState, actual: SystemState): readonly Command[] {
  const commands: Command[] = [];
  // What is leaving stays inside until its routes are gone.
  const meanwhile = unionOfRanges([desired.fence ?? [], actual.fence ?? []]);
  if (desired.fence !== undefined && !sameRanges(meanwhile, actual.fence)) {
    commands.push({ kind: 'build_fence', ranges: meanwhile });
  }
  prepare(commands, desired, actual);
  addRoutes(commands, 'add_device_routes', desired.deviceRoutes, actual.deviceRoutes);
  addRoutes(commands, 'remove_device_routes', actual.deviceRoutes, desired.deviceRoutes);
  addRoutes(commands, 'remove_unreachable_routes', actual.unreachableRoutes, desired.unreachableRoutes);
  addRoutes(commands, 'remove_direct_routes', actual.directRoutes, desired.directRoutes);
  if (actual.steersIpv4 && !desired.steersIpv4) commands.push({ kind: 'remove_rule', family: 4 });
  if (actual.steersIpv6 && !desired.steersIpv6) commands.push({ kind: 'remove_rule', family: 6 });
  if (desired.fence === undefined) {
    if (actual.fence !== undefined) commands.push({ kind: 'remove_fence' });
  } else if (!sameRanges(meanwhile, desired.fence)) commands.push({ kind: 'build_fence', ranges: desired.fence });
  return commands;
}

/** Everything that must be there before a packet may go into the device. */
function prepare(commands: Command[], desired: SystemState, actual: SystemState): void {
  const rebind = desired.underlay !== undefined && !sameUnderlay(desired.underlay, actual.underlay);
  if (rebind) commands.push({ kind: 'bind_underlay', underlay: desired.underlay, contentHash: desired.contentHash });
  if (desired.steersIpv4 && !actual.steersIpv4) commands.push({ kind: 'add_rule', family: 4 });
  if (desired.steersIpv6 && !actual.steersIpv6) commands.push({ kind: 'add_rule', family: 6 });
  addRoutes(commands, 'add_direct_routes', desired.directRoutes, actual.directRoutes);
  addRoutes(commands, 'add_unreachable_routes', desired.unreachableRoutes, actual.unreachableRoutes);
  if (desired.up && (!actual.up || actual.mtu !== desired.mtu)) {
    commands.push({ kind: 'configure_device', mtu: desired.mtu });
  }
  if (desired.forwardsIpv4 && !actual.forwardsIpv4) commands.push({ kind: 'enable_forwarding', family: 4 });
  if (desired.forwardsIpv6 && !actual.forwardsIpv6) commands.push({ kind: 'enable_forwarding', family: 6 });
  if (desired.contentHash === undefined) {
    if (actual.contentHash !== undefined) commands.push({ kind: 'unload_policies' });
  } else if (rebind || desired.contentHash !== actual.contentHash) {
    commands.push({ kind: 'load_policies', contentHash: desired.contentHash });
  }
}

/** A command in words, for the log and for a rejection. */
export function describeCommand(command: Command): string {
  switch (command.kind) {
    case 'bind_underlay':
      return `bind the underlay socket to ${[command.underlay, ...(command.underlay.others ?? [])].map(({ text }) => text).join(', ')} port ${command.underlay.port}`;
    case 'configure_device':
      return `bring the device up with MTU ${command.mtu}`;
    case 'enable_forwarding':
      return `enable IPv${command.family} forwarding`;
    case 'add_rule':
      return `have IPv${command.family} packets looked up in our routes first`;
    case 'remove_rule':
      return `have IPv${command.family} packets looked up in our routes no more`;
    case 'load_policies':
      return `load the policies of ${command.contentHash.slice(0, 12)}`;
    case 'unload_policies':
      return 'unload the policies';
    case 'build_fence':
      return `keep ${command.ranges.length} ranges of addresses to the overlay device in the packet filter`;
    case 'remove_fence':
      return 'take the fence out of the packet filter';
    default:
      return `${command.kind.replaceAll('_', ' ')} ${command.prefixes.slice(0, 8).join(', ')}${command.prefixes.length > 8 ? ', …' : ''}`;
  }
}

function addRoutes(
  commands: Command[],
  kind: Extract<Command, { prefixes: readonly string[] }>['kind'],
  wanted: ReadonlySet<string>,
  present: ReadonlySet<string>,
): void {
  const prefixes = [...wanted].filter((prefix) => !present.has(prefix));
  if (prefixes.length > 0) commands.push({ kind, prefixes });
}

function sameRanges(a: readonly TextRange[], b: readonly TextRange[] | undefined): boolean {
  return (
    b !== undefined &&
    a.length === b.length &&
    a.every(({ first, last }, index) => first === b[index]?.first && last === b[index]?.last)
  );
}

function sameUnderlay(a: DesiredUnderlay, b: DesiredUnderlay | undefined): boolean {
  return b !== undefined && textOf(a) === textOf(b);
}

function textOf(underlay: DesiredUnderlay): string {
  return [underlay, ...(underlay.others ?? [])].map(({ text, port }) => `${text} ${port}`).join(', ');
}

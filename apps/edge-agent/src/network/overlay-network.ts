import { readFile, writeFile } from 'node:fs/promises';
import { messageOf, systemCodeOf } from '../platform/agent-error.js';
import { buildFence, readFence, removeFence } from './fence.js';
import { queryIp, queryIpBatch, runIpBatch } from './ip-command.js';
import { parseConnected, parseLink, parseRoutes, parseRules, type RuleState } from './ip-output.js';
import { NetworkError } from './network-error.js';
import type { TextRange } from './protected-ranges.js';

/** What the kernel holds for the overlay. */
export interface KernelState {
  readonly mtu: number;
  readonly up: boolean;
  readonly deviceRoutes: ReadonlySet<string>;
  readonly unreachableRoutes: ReadonlySet<string>;
  /** Prefixes within those of the other routes that are not for the device. */
  readonly directRoutes: ReadonlySet<string>;
  /** Networks that this machine is on, the overlay's device aside. */
  readonly connected: ReadonlySet<string>;
  /** Whether all packets but our own are looked up in our routes first. */
  readonly steersIpv4: boolean;
  readonly steersIpv6: boolean;
  readonly forwardsIpv4: boolean;
  readonly forwardsIpv6: boolean;
  /** Addresses that the fence keeps in; undefined when it is not there, or not whole. */
  readonly fence: readonly TextRange[] | undefined;
}

/**
 * The overlay device, the routes into it, and their `unreachable` shadows: the same prefixes at a worse metric, so that
 * traffic for a remote site fails instead of leaving in the clear when the device is gone.
 *
 * Our routes stand in a table of their own, which a rule has the kernel look up before its main table: no other route for
 * a protected prefix, whatever its metric, leads around the device. The rule exempts packets that carry the mark of the
 * agent's own sockets. They never see our routes and so never re-enter the device, also when those cover the underlay
 * addresses of the peers (transport mode, a route for everything). Networks that this machine is on stay reachable
 * directly unless a route names them exactly or a part of them: they are `direct`.
 *
 * The fence, a table of our own in the kernel's packet filter, does not rely on any of that: what would leave for a protected
 * address by another device is dropped, and so is what arrives by another and claims to come from one.
 *
 * All our routes carry a protocol number of our own; routes and rules of others are never touched. Every operation may be
 * repeated.
 */
export interface OverlayNetwork {
  /** Reads everything back from the kernel. `withDevice` false: also where the device is not there. Throws NetworkError. */
  read(withDevice?: boolean): Promise<KernelState>;
  /** Sets the MTU and brings the device up, without a link-local address and its chatter. */
  configureDevice(mtu: number): Promise<void>;
  addUnreachableRoutes(prefixes: readonly string[]): Promise<void>;
  removeUnreachableRoutes(prefixes: readonly string[]): Promise<void>;
  addDeviceRoutes(prefixes: readonly string[]): Promise<void>;
  removeDeviceRoutes(prefixes: readonly string[]): Promise<void>;
  addDirectRoutes(prefixes: readonly string[]): Promise<void>;
  removeDirectRoutes(prefixes: readonly string[]): Promise<void>;
  /** Has all packets but our own looked up in our routes first. */
  addRule(family: 4 | 6): Promise<void>;
  removeRule(family: 4 | 6): Promise<void>;
  /** Lets the kernel forward between the networks behind this edge and the device. */
  enableForwarding(family: 4 | 6): Promise<void>;
  /** Keeps these addresses in, and no others. */
  buildFence(ranges: readonly TextRange[]): Promise<void>;
  removeFence(): Promise<void>;
}

/**
 * The overlay network of this machine (or of the network namespace that the process is in). `mark`: the firewall mark of
 * what the agent's own sockets send.
 */
export function createOverlayNetwork(device: string, mark: number = OWN_PACKETS_MARK): OverlayNetwork {
  return {
    read: (withDevice = true) => read(device, mark, withDevice),
    configureDevice: (mtu) => configureDevice(device, mtu),
    addUnreachableRoutes: (prefixes) =>
      eachFamily(prefixes, (prefix) => `route replace unreachable ${prefix} ${SHADOW}`),
    removeUnreachableRoutes: (prefixes) =>
      eachFamily(prefixes, (prefix) => `route del unreachable ${prefix} ${SHADOW}`),
    addDeviceRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route replace ${prefix} dev ${device} ${REAL}`),
    removeDeviceRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route del ${prefix} dev ${device} ${REAL}`),
    addDirectRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route replace throw ${prefix} ${OURS}`),
    removeDirectRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route del throw ${prefix} ${OURS}`),
    addRule: (family) => addRule(family, mark),
    removeRule,
    enableForwarding,
    buildFence: (ranges) => buildFence({ device, mark, ranges }),
    removeFence,
  };
}

/** Takes away everything of ours but the device, which ends with its agent. Throws NetworkError. */
export async function removeOverlayNetwork(): Promise<void> {
  await removeRule(4);
  await removeRule(6);
  // Of all tables: asked to empty one that has no route yet, the kernel says that there is none.
  await runIpBatch(4, [`route flush table all proto ${PROTOCOL}`]);
  await runIpBatch(6, [`route flush table all proto ${PROTOCOL}`]);
  await removeFence();
}

async function read(device: string, mark: number, withDevice: boolean): Promise<KernelState> {
  const [ipv4, ipv6, fence] = await Promise.all([
    readFamily(4, device, mark, withDevice),
    readFamily(6, device, mark, withDevice),
    readFence({ device, mark }),
  ]);
  const { link } = ipv4;
  const union = (set: 'device' | 'unreachable' | 'direct') => new Set([...ipv4.routes[set], ...ipv6.routes[set]]);
  return {
    mtu: link?.mtu ?? 0,
    up: link?.up ?? false,
    deviceRoutes: union('device'),
    unreachableRoutes: union('unreachable'),
    directRoutes: union('direct'),
    connected: new Set([...ipv4.connected, ...ipv6.connected]),
    steersIpv4: ipv4.steers,
    steersIpv6: ipv6.steers,
    forwardsIpv4: ipv4.forwards,
    forwardsIpv6: ipv6.forwards,
    fence: fence?.ranges,
  };
}

async function readFamily(family: 4 | 6, device: string, mark: number, withDevice: boolean) {
  const [answers, forwards] = await Promise.all([
    queryIpBatch(family, [
      ...(withDevice ? [`link show dev ${device}`] : []),
      // Of all tables: asked for one that has no route yet, the kernel says that there is none.
      `route show table all proto ${PROTOCOL}`,
      'route show table main proto kernel',
      `rule show priority ${RULE_PRIORITY}`,
    ]),
    readForwarding(family),
  ]);
  const [links, routes, connected, found] = withDevice ? answers : [[], ...answers];
  return readable(() => {
    const rules = parseRules(found, TABLE);
    return {
      link: parseLink(links, device),
      routes: parseRoutes(routes, family, device, TABLE),
      connected: parseConnected(connected, family, device),
      steers: rules.length === 1 && rules[0]?.exemptMark === mark,
      forwards,
    };
  });
}

async function queryRules(family: 4 | 6): Promise<readonly RuleState[]> {
  const rules = await queryIp([`-${family}`, 'rule', 'show', 'priority', RULE_PRIORITY]);
  return readable(() => parseRules(rules, TABLE));
}

/** What `ip` printed, as `parse` understands it. Throws NetworkError. */
function readable<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new NetworkError(
      'ip_unreadable',
      `ip printed an unknown form: ${messageOf(error)}`,
      'install iproute2 5.0 or newer',
      {
        cause: error,
      },
    );
  }
}

/** Those that an agent with another mark has left go when ours is there. */
async function addRule(family: 4 | 6, mark: number): Promise<void> {
  const found = await queryRules(family);
  const lines = found.some(({ exemptMark }) => exemptMark === mark) ? [] : [`rule add ${ruleOf(mark)}`];
  for (const { exemptMark } of found) if (exemptMark !== mark) lines.push(`rule del ${ruleOf(exemptMark)}`);
  await runIpBatch(family, lines);
}

async function removeRule(family: 4 | 6): Promise<void> {
  const found = await queryRules(family);
  const lines = found.map(({ exemptMark }) => `rule del ${ruleOf(exemptMark)}`);
  await runIpBatch(family, lines);
}

function ruleOf(mark: number | undefined): string {
  const exempt = mark === undefined ? '' : `not fwmark 0x${mark.toString(16)} `;
  return `${exempt}lookup ${TABLE} priority ${RULE_PRIORITY}`;
}

/**
 * `gso_max_size` stays what the kernel gives a device: a packet of a neighbour that is longer would be cut by the kernel into
 * segments of one MTU, each of which takes a place in the queue and a system call. That one piece may need two messages to
 * the underlay costs less.
 */
async function configureDevice(device: string, mtu: number): Promise<void> {
  await runIpBatch(4, [
    `link set dev ${device} addrgenmode none`,
    `link set dev ${device} mtu ${mtu} txqueuelen ${QUEUE_PACKETS}`,
    `link set dev ${device} up`,
  ]);
}

async function eachFamily(prefixes: readonly string[], line: (prefix: string) => string): Promise<void> {
  const ipv6 = prefixes.filter((prefix) => prefix.includes(':'));
  const ipv4 = prefixes.filter((prefix) => !prefix.includes(':'));
  await runIpBatch(4, ipv4.map(line));
  await runIpBatch(6, ipv6.map(line));
}

async function enableForwarding(family: 4 | 6): Promise<void> {
  try {
    await writeFile(FORWARDING[family], '1\n');
  } catch (error) {
    throw new NetworkError(
      'sysctl_refused',
      `${FORWARDING[family]} cannot be set to 1: ${messageOf(error)}`,
      'run as root, or set it yourself before the agent starts (in a container: with --sysctl)',
      { cause: error },
    );
  }
}

async function readForwarding(family: 4 | 6): Promise<boolean> {
  try {
    return (await readFile(FORWARDING[family], 'utf8')).trim() === '1';
  } catch (error) {
    // A kernel without IPv6 has no such file: then it does not forward it.
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const FORWARDING = {
  4: '/proc/sys/net/ipv4/ip_forward',
  6: '/proc/sys/net/ipv6/conf/all/forwarding',
} as const;
/** Marks our routes (rtnetlink(7) rtm_protocol); not one that iproute2 or a routing daemon uses. */
const PROTOCOL = '119';
/** Our table; not one that the distributions name or another VPN uses (52, 220, 51820). */
const TABLE = '119';
/** Before the main table (32766); after the table of strongSwan (220), whose routes somebody has put there by hand. */
const RULE_PRIORITY = '1190';
const OURS = `table ${TABLE} proto ${PROTOCOL}`;
const REAL = `${OURS} metric 20`;
const SHADOW = `${OURS} metric 1000000`;
/** Mark of the agent's own packets, unless it is told another: others on this machine must not use it. */
export const OWN_PACKETS_MARK = 0x7765;
/** Packets that wait in the device while the worker is busy; then the kernel drops and counts them. */
const QUEUE_PACKETS = 1000;

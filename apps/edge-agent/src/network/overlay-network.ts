import { readFile, writeFile } from 'node:fs/promises';
import { MAXIMUM_MESSAGE_OCTETS, MAXIMUM_SEGMENTS } from '@weft/linux-io';
import { messageOf, systemCodeOf } from '../platform/agent-error.js';
import { NetworkError, queryIp, runIpBatch } from './ip-command.js';
import { parseLink, parseRoutes } from './ip-output.js';

/** What the kernel holds for the overlay. */
export interface KernelState {
  readonly mtu: number;
  readonly up: boolean;
  readonly deviceRoutes: ReadonlySet<string>;
  readonly unreachableRoutes: ReadonlySet<string>;
  readonly forwardsIpv4: boolean;
  readonly forwardsIpv6: boolean;
}

/**
 * The overlay device, the routes into it, and their `unreachable` shadows: the same prefixes at a worse metric, so that
 * traffic for a remote site fails instead of leaving in the clear when the device is gone. All our routes carry a
 * protocol number of our own; routes of others are never touched. Every operation may be repeated.
 */
export interface OverlayNetwork {
  /** Reads everything back from the kernel. Throws NetworkError. */
  read(): Promise<KernelState>;
  /** Sets the MTU and brings the device up, without a link-local address and its chatter. */
  configureDevice(mtu: number): Promise<void>;
  addUnreachableRoutes(prefixes: readonly string[]): Promise<void>;
  removeUnreachableRoutes(prefixes: readonly string[]): Promise<void>;
  addDeviceRoutes(prefixes: readonly string[]): Promise<void>;
  removeDeviceRoutes(prefixes: readonly string[]): Promise<void>;
  /** Lets the kernel forward between the networks behind this edge and the device. */
  enableForwarding(family: 4 | 6): Promise<void>;
}

/** The overlay network of this machine (or of the network namespace that the process is in). */
export function createOverlayNetwork(device: string): OverlayNetwork {
  return {
    read: () => read(device),
    configureDevice: (mtu) => configureDevice(device, mtu),
    addUnreachableRoutes: (prefixes) =>
      eachFamily(prefixes, (prefix) => `route replace unreachable ${prefix} ${SHADOW}`),
    removeUnreachableRoutes: (prefixes) =>
      eachFamily(prefixes, (prefix) => `route del unreachable ${prefix} ${SHADOW}`),
    addDeviceRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route replace ${prefix} dev ${device} ${REAL}`),
    removeDeviceRoutes: (prefixes) => eachFamily(prefixes, (prefix) => `route del ${prefix} dev ${device} ${REAL}`),
    enableForwarding,
  };
}

async function read(device: string): Promise<KernelState> {
  const [links, routes4, routes6, forwardsIpv4, forwardsIpv6] = await Promise.all([
    queryIp(['link', 'show', 'dev', device]),
    queryIp(['-4', 'route', 'show', 'proto', PROTOCOL]),
    queryIp(['-6', 'route', 'show', 'proto', PROTOCOL]),
    readForwarding(4),
    readForwarding(6),
  ]);
  try {
    const link = parseLink(links, device);
    const found = [parseRoutes(routes4, 4, device), parseRoutes(routes6, 6, device)];
    return {
      mtu: link?.mtu ?? 0,
      up: link?.up ?? false,
      deviceRoutes: new Set(found.flatMap((family) => [...family.device])),
      unreachableRoutes: new Set(found.flatMap((family) => [...family.unreachable])),
      forwardsIpv4,
      forwardsIpv6,
    };
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

async function configureDevice(device: string, mtu: number): Promise<void> {
  await runIpBatch(4, [
    `link set dev ${device} addrgenmode none`,
    `link set dev ${device} mtu ${mtu} txqueuelen ${QUEUE_PACKETS}`,
    `link set dev ${device} up`,
  ]);
  await limitSuperPackets(device, mtu);
}

/**
 * Makes what the kernel hands over in one piece fit one message to the underlay once it is taken apart and protected.
 * An old iproute2 or kernel does not know how: a second message for the rest then costs some speed and nothing else.
 */
async function limitSuperPackets(device: string, mtu: number): Promise<void> {
  const packets = Math.floor(MAXIMUM_MESSAGE_OCTETS / (mtu + ESP_OCTETS));
  const octets = Math.max(mtu, Math.min(packets, MAXIMUM_SEGMENTS) * (mtu - HEADER_OCTETS) + KERNEL_HEADROOM);
  try {
    await runIpBatch(4, [`link set dev ${device} gso_max_size ${Math.min(octets, MAXIMUM_SUPER_PACKET)}`]);
  } catch (error) {
    if (!(error instanceof NetworkError) || error.code !== 'ip_refused') throw error;
  }
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
/** Better than the shadow, worse than a connected network (metric 0, IPv6 256 is for connected ones only). */
const REAL = `proto ${PROTOCOL} metric 20`;
const SHADOW = `proto ${PROTOCOL} metric 1000000`;
/** What ESP with AES-GCM adds to a packet at most. */
const ESP_OCTETS = 38;
/** IPv6 and TCP with timestamps: what a segment of the device's MTU carries beside payload. */
const HEADER_OCTETS = 72;
/** Octets of its limit that Linux keeps for headers when it fills a TCP packet (MAX_TCP_HEADER). */
const KERNEL_HEADROOM = 320;
/** What TUN and IPv4 can carry at all. */
const MAXIMUM_SUPER_PACKET = 65_535;
/** Packets that wait in the device while the worker is busy; then the kernel drops and counts them. */
const QUEUE_PACKETS = 1000;

import type { BundleExternalPeer, EdgeBundle } from '../src/bundle.js';
import type {
  FabricIntent,
  GroupMember,
  IntentExternalPeer,
  IntentNetwork,
  Labels,
  Rule,
  Selector,
  Service,
} from '../src/intent.js';
import type { NamedEntry } from './compile-fabric.js';

/** A packet as an operator thinks of it. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export type Verdict = 'PROTECT' | 'DISCARD' | 'BYPASS';

/** What the rules say about a packet, read word by word: slow, obvious, and without a line of the compiler. */
export function verdictOfIntent(intent: FabricIntent, packet: Packet): Verdict {
  return ruleOfIntent(intent, packet)?.action ?? 'DISCARD';
}

/** The rule that decides a packet. */
export function ruleOfIntent(intent: FabricIntent, packet: Packet): Rule | undefined {
  for (const policy of intent.policies) {
    if (!policy.enabled) continue;
    for (const rule of policy.rules) {
      if (rule.enabled !== false && (opens(intent, rule, packet) || opens(intent, rule, answerTo(packet)))) return rule;
    }
  }
  return undefined;
}

/** Site whose networks hold the address. */
export function siteOf(intent: FabricIntent, address: string): string | undefined {
  return intent.networks.find((network) => prefixHolds(overlayOf(network), address))?.siteId;
}

/** Site, or external peer, that has the address. */
export function holderInIntent(intent: FabricIntent, address: string): string | undefined {
  const prefixesOf = (peer: IntentExternalPeer) =>
    peer.kind === 'remote_host' ? peer.assigned.map((one) => hostPrefix(one.address)) : peer.prefixes;
  const peer = intent.externalPeers?.find((one) => prefixesOf(one).some((prefix) => prefixHolds(prefix, address)));
  return siteOf(intent, address) ?? peer?.id;
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

/** What the fabric knows a network by. */
function overlayOf({ prefix, mappedPrefix }: IntentNetwork): string {
  return mappedPrefix ?? prefix;
}

/**
 * First SPD entry of an edge that matches a packet leaving (local = source) or arriving (local = destination), with the tunnel or group
 * that it is for: the one that it names, or the one that carries the remote address. Where nobody does it discards.
 */
export function firstMatch(
  bundle: EdgeBundle,
  packet: Packet,
  direction: 'outbound' | 'inbound',
): NamedEntry | undefined {
  const seen = direction === 'outbound' ? packet : answerTo(packet);
  const entry = bundle.securityPolicies.find(
    ({ selector }) =>
      selector.localAddresses.some((range) => within(range, seen.source)) &&
      selector.remoteAddresses.some((range) => within(range, seen.destination)) &&
      (selector.protocol === 'any' || selector.protocol === seen.protocol) &&
      portMatches(selector.localPorts, seen.sourcePort) &&
      portMatches(selector.remotePorts, seen.destinationPort),
  );
  if (entry?.action !== 'PROTECT') return entry;
  const tunnelId = entry.tunnelId ?? carrierOf(bundle, seen.destination);
  return tunnelId === undefined ? { ...entry, action: 'DISCARD' } : { ...entry, tunnelId };
}

/** The tunnel or group that carries a remote address; two would be a fault, and say so. */
function carrierOf({ tunnels, tunnelGroups }: EdgeBundle, address: string): string | undefined {
  const carriers = [
    ...tunnels.map(({ tunnelId, carries = [] }) => ({ id: tunnelId, carries })),
    ...tunnelGroups.map(({ groupId, carries = [] }) => ({ id: groupId, carries })),
  ].filter(({ carries }) => carries.flat().some((range) => within(range, address)));
  if (carriers.length > 1) throw new Error(`${address} is carried by ${carriers.map(({ id }) => id).join(' and ')}`);
  return carriers[0]?.id;
}

/** Whether a packet that goes to an external peer is among those that its tunnel was negotiated for. */
export function selectorsHold({ localAddresses, remoteAddresses }: BundleExternalPeer, packet: Packet): boolean {
  return (
    localAddresses.some((range) => within(range, packet.source)) &&
    remoteAddresses.some((range) => within(range, packet.destination))
  );
}

/** Whether one of the prefixes holds the address. */
export function prefixesHold(prefixes: readonly string[], address: Uint8Array): boolean {
  return prefixes.some((prefix) => {
    const [base = '', length = ''] = prefix.split('/');
    const family = base.includes(':') ? 16 : 4;
    return family === address.length && octetBits(address).startsWith(bits(base).slice(0, Number(length)));
  });
}

/** Whether the packet opens a flow that the rule is about, as its sources do towards its destinations. */
export function opens(intent: FabricIntent, rule: Rule, packet: Packet): boolean {
  return (
    rule.sources.some((selector) => selects(intent, selector, packet.source)) &&
    rule.destinations.some((selector) => selects(intent, selector, packet.destination)) &&
    rule.services.some((service) => serves(service, packet))
  );
}

function answerTo(packet: Packet): Packet {
  return {
    source: packet.destination,
    destination: packet.source,
    protocol: packet.protocol,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
  };
}

function selects(intent: FabricIntent, selector: Selector | GroupMember, address: string): boolean {
  switch (selector.kind) {
    case 'any':
      return siteOf(intent, address) !== undefined;
    case 'site':
      return siteOf(intent, address) === selector.siteId;
    case 'network':
      return intent.networks.some(
        (network) => network.id === selector.networkId && prefixHolds(overlayOf(network), address),
      );
    case 'prefix':
      return siteOf(intent, address) !== undefined && prefixHolds(selector.prefix, address);
    case 'group': {
      const group = (intent.groups ?? []).find(({ id }) => id === selector.groupId);
      return (group?.members ?? []).some((member) => selects(intent, member, address));
    }
    case 'site_labels': {
      const site = intent.sites.find(({ id }) => id === siteOf(intent, address));
      return site !== undefined && carries(site.labels, selector.labels);
    }
    case 'network_labels':
      return intent.networks.some(
        (network) => prefixHolds(overlayOf(network), address) && carries(network.labels, selector.labels),
      );
    case 'external_peer':
      return holderInIntent(intent, address) === selector.externalPeerId;
    case 'address_pool':
      return (intent.externalPeers ?? []).some(
        (peer) =>
          peer.kind === 'remote_host' &&
          peer.assigned.some(
            (one) => one.addressPoolId === selector.addressPoolId && prefixHolds(hostPrefix(one.address), address),
          ),
      );
  }
}

function carries(labels: Labels | undefined, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels?.[name] === value);
}

function serves(service: Service, packet: Packet): boolean {
  const ipv6 = packet.source.includes(':');
  const numbers = { any: packet.protocol, tcp: 6, udp: 17, icmp: ipv6 ? -1 : 1, icmpv6: ipv6 ? 58 : -1 };
  return numbers[service.protocol] === packet.protocol && portMatches(service.ports, packet.destinationPort);
}

function portMatches(ports: readonly { first: number; last: number }[], port: number): boolean {
  return ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last);
}

/** Whether a prefix holds an address. */
export function prefixHolds(prefix: string, address: string): boolean {
  const key = `${prefix} ${address}`;
  const known = held.get(key) ?? holds(prefix, address);
  if (held.size > 100_000) held.clear();
  held.set(key, known);
  return known;
}

function holds(prefix: string, address: string): boolean {
  const [base = '', length = ''] = prefix.split('/');
  return base.includes(':') === address.includes(':') && bits(address).startsWith(bits(base).slice(0, Number(length)));
}

function within(range: { first: Uint8Array; last: Uint8Array }, address: string): boolean {
  const wanted = bits(address);
  return (
    range.first.length * 8 === wanted.length && octetBits(range.first) <= wanted && wanted <= octetBits(range.last)
  );
}

function octetBits(octets: Uint8Array): string {
  return [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('');
}

/** Knows just the spellings that the specs use: dotted decimal, and IPv6 with one "::". */
function bits(address: string): string {
  if (!address.includes(':')) return octetBits(Uint8Array.from(address.split('.').map(Number)));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

/** Every packet asks the same things again. */
const held = new Map<string, boolean>();

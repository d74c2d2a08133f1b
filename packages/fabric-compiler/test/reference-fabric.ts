import { type AddressSet, addressesOf } from '../src/address/address-set.js';
import { parseAddressText } from '../src/address/text.js';
import type { CompiledFabric } from '../src/fabric/compile-shared.js';
import type { SharedBundle } from '../src/fabric/shared-bundle.js';
import type { SpdEntry } from '../src/fabric/spd-entry.js';
import type { Packet as ProvenPacket } from '../src/proof/packet.js';
import { type Packet, prefixHolds } from './reference-policy.js';

/** What becomes of a packet: it arrives by the tunnels of these edges, is discarded, or leaves in the clear. */
export type Fate =
  | { readonly kind: 'arrived'; readonly way: readonly string[]; readonly profileId: string }
  | { readonly kind: 'discarded'; readonly at: string }
  | { readonly kind: 'clear'; readonly at: string };

/** Carries one packet through the fabric, edge by edge, entry by entry: slow, obvious, and without a line of the proof. */
export function fateOf(fabric: CompiledFabric, packet: Packet): Fate | undefined {
  const from = holderOf(fabric, packet.source);
  const to = holderOf(fabric, packet.destination);
  if (from === undefined || to === undefined || from === to) return undefined;
  const first = fabric.bundles[from];
  if (first === undefined) return undefined;
  const way = [first.edgeId];
  let profileId: string | undefined;
  let previous: number | undefined;
  for (let at = from; at !== to; ) {
    const bundle = fabric.bundles[at];
    if (bundle === undefined || way.length > 10) return { kind: 'discarded', at: way.at(-1) ?? '' };
    const gone: Fate = { kind: 'discarded', at: bundle.edgeId };
    if (!routed(bundle, packet.destination)) return { kind: 'clear', at: bundle.edgeId };
    if (previous !== undefined && !accepts(fabric, bundle, packet, previous, profileId)) return gone;
    const entry = firstEntry(fabric, bundle, packet);
    if (entry?.action === 'BYPASS') return { kind: 'clear', at: bundle.edgeId };
    const peer = peerOf(fabric, bundle, packet.destination);
    if (entry?.action !== 'PROTECT' || peer === undefined) return gone;
    if (!peer.profiles.some(({ id }) => id === entry.profileId)) return gone;
    profileId = entry.profileId;
    previous = at;
    at = peer.owner;
    way.push(fabric.bundles[at]?.edgeId ?? peer.peerId);
  }
  const last = fabric.bundles[to];
  if (last !== undefined && previous !== undefined && !accepts(fabric, last, packet, previous, profileId)) {
    return { kind: 'discarded', at: last.edgeId };
  }
  return { kind: 'arrived', way, profileId: profileId ?? '' };
}

/** What the SPD of each edge on a way says of a packet: as it goes out, or as it comes in, by RFC 4301 section 5. */
export function decisionsOn(fabric: CompiledFabric, way: readonly number[], packet: Packet): readonly string[] {
  const answer = {
    ...packet,
    source: packet.destination,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
  };
  return way.flatMap((owner, index) => {
    const bundle = fabric.bundles[owner];
    if (bundle === undefined) return [];
    const outbound = index < way.length - 1 ? [firstEntry(fabric, bundle, packet)] : [];
    const inbound = index > 0 ? [firstEntry(fabric, bundle, answer)] : [];
    return [...outbound, ...inbound].map((entry) => {
      if (entry?.action === 'PROTECT') return `PROTECT ${entry.profileId}`;
      return entry?.action ?? 'DISCARD';
    });
  });
}

/** A packet of the proof in the spelling of the reference. */
export function spelled(packet: ProvenPacket, text: (family: 4 | 6, value: bigint) => string): Packet {
  return {
    source: text(packet.family, packet.source),
    destination: text(packet.family, packet.destination),
    protocol: packet.protocol,
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
  };
}

/** RFC 4301 section 5.2: what comes out of an SA must be what the SPD would send into it, looked at from the other side. */
function accepts(
  fabric: CompiledFabric,
  bundle: SharedBundle,
  packet: Packet,
  previous: number,
  profileId: string | undefined,
): boolean {
  const answer = {
    ...packet,
    source: packet.destination,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
  };
  const entry = firstEntry(fabric, bundle, answer);
  const peer = peerOf(fabric, bundle, packet.source);
  if (entry?.action !== 'PROTECT' || entry.profileId !== profileId) return false;
  return peer?.owner === previous && peer.profiles.some(({ id }) => id === profileId);
}

function firstEntry(fabric: CompiledFabric, bundle: SharedBundle, seen: Packet): SpdEntry | undefined {
  return entriesOf(bundle).find(
    (entry) =>
      (entry.local === 'site'
        ? holderOf(fabric, seen.source) === bundle.owner
        : holds(fabric, entry.local, seen.source)) &&
      holds(fabric, entry.remote, seen.destination) &&
      serves(entry, seen),
  );
}

function entriesOf(bundle: SharedBundle): readonly SpdEntry[] {
  const known = entries.get(bundle);
  if (known !== undefined) return known;
  const all = [...bundle.policies, ...bundle.transit].flatMap((section) => section.entries);
  entries.set(bundle, all);
  return all;
}

function peerOf(fabric: CompiledFabric, bundle: SharedBundle, address: string) {
  return bundle.peers.flatMap(({ peers }) => peers).find(({ carries }) => holds(fabric, carries, address));
}

function serves({ services, direction }: SpdEntry, seen: Packet): boolean {
  const port = direction === 'opens' ? seen.destinationPort : seen.sourcePort;
  return services[seen.source.includes(':') ? 6 : 4].some(
    ({ protocol, ports }) =>
      (protocol === 'any' || protocol === seen.protocol) &&
      (ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last)),
  );
}

function holds({ plan }: CompiledFabric, set: AddressSet, address: string): boolean {
  const parsed = parsedOnce(address);
  const known = answers.get(set)?.get(address);
  if (known !== undefined) return known;
  const answer = plan.topology.owners.some((_, owner) =>
    addressesOf(set, owner, plan.topology.ownership)[parsed.family].some(
      ({ first, last }) => first <= parsed.value && parsed.value <= last,
    ),
  );
  const ofSet = answers.get(set) ?? new Map<string, boolean>();
  answers.set(set, ofSet.set(address, answer));
  return answer;
}

export function holderOf({ plan }: CompiledFabric, address: string): number | undefined {
  const parsed = parsedOnce(address);
  const owner = plan.topology.owners.findIndex(({ ranges }) =>
    ranges[parsed.family].some(({ first, last }) => first <= parsed.value && parsed.value <= last),
  );
  return owner < 0 ? undefined : owner;
}

function routed(bundle: SharedBundle, address: string): boolean {
  return bundle.routes.some(({ prefixes }) => prefixes.some((prefix) => prefixHolds(prefix, address)));
}

function parsedOnce(address: string) {
  const known = parsed.get(address) ?? parseAddressText(address);
  if (known === undefined) throw new Error(`${address} is no address`);
  parsed.set(address, known);
  return known;
}

/** Every packet asks the same things again. */
const parsed = new Map<string, NonNullable<ReturnType<typeof parseAddressText>>>();
const entries = new WeakMap<SharedBundle, readonly SpdEntry[]>();
const answers = new WeakMap<AddressSet, Map<string, boolean>>();

import type { BundleEndpoint } from '../bundle.js';
import type { KeyingMode, PeerAuthenticationMethod } from '../intent.js';
import type { NetworkMapping } from '../topology.js';
import { OctetWriter } from './octet-writer.js';
import { type PeerEntry, type PeerSection, writePeer } from './peer-section.js';
import type { RouteSection } from './route-section.js';
import { type SpdEntry, writeEntry, writeSet } from './spd-entry.js';
import type { RunDigests, SpdSection } from './spd-section.js';
import type { TransitDuty } from './transit.js';

/**
 * What one edge must run, in sections that it shares with other edges: PAD, SPD, profiles, routes and peers. Its hash is
 * taken over the hashes of its sections, so that an edit costs the sections that it changes.
 */
export interface SharedBundle extends BundleFrame {
  /** In the operator's order, one section for each block of rules: the SPD for traffic of the own site. */
  readonly policies: readonly SpdSection[];
  /** The same for traffic that the edge relays. Its entries name no address of the own site as local. */
  readonly transit: readonly SpdSection[];
  readonly transitDuties: readonly TransitDuty[];
  readonly peers: readonly PeerSection[];
  readonly routes: readonly RouteSection[];
  /** SHA-256. */
  readonly digest: Uint8Array;
}

/** What of a bundle no rule changes. */
export interface BundleFrame {
  readonly tenantId: string;
  /** Number of the edge's site among the owners. */
  readonly owner: number;
  readonly edgeId: string;
  readonly keyingMode: KeyingMode;
  readonly device: { readonly mtu: number };
  readonly underlay: BundleEndpoint;
  /** Of its other uplinks, in order of preference. */
  readonly otherUnderlays: readonly BundleEndpoint[];
  readonly identity: string;
  readonly authentication: PeerAuthenticationMethod;
  readonly localNetworks: readonly string[];
  readonly mappings: readonly NetworkMapping[];
  /** The other edges of the site, preferred first. They run the same, but for what they are themselves. */
  readonly standbys: readonly StandbyEdge[];
}

/** What differs between the bundles of the edges of one site. */
export type StandbyEdge = Pick<BundleFrame, 'edgeId' | 'device' | 'underlay' | 'otherUnderlays' | 'identity'>;

/** Completes a bundle with its hash. `addressPlan` is the hash of who owns which address; `runs` remembers between bundles. */
export function sealedBundle(
  frame: BundleFrame,
  parts: Omit<SharedBundle, 'digest' | keyof BundleFrame>,
  addressPlan: Uint8Array,
  runs: RunDigests,
): SharedBundle {
  const writer = new OctetWriter().text('weft shared bundle v1').digest(addressPlan).digest(digestOfFrame(frame));
  for (const digests of [runs.of(parts.policies), runs.of(parts.transit)]) {
    writer.number(digests.length);
    for (const digest of digests) writer.digest(digest);
  }
  writer.digest(digestOfSections(parts.peers)).digest(digestOfSections(parts.routes));
  // The digest first: what begins with a spread and adds to it has a hidden class of its own.
  return { digest: writer.hash(), ...frame, ...parts };
}

export function entriesOf(sections: readonly SpdSection[]): readonly SpdEntry[] {
  return sections.flatMap(({ entries }) => entries);
}

export function peersOf({ peers }: Pick<SharedBundle, 'peers'>): readonly PeerEntry[] {
  return peers.flatMap((section) => section.peers);
}

export function routesOf({ routes }: Pick<SharedBundle, 'routes'>): readonly string[] {
  return routes.flatMap(({ prefixes }) => prefixes);
}

/** A whole bundle as octets, each set of addresses once. Equal bundles, equal octets. */
export function sharedBundleOctets(bundle: SharedBundle): Uint8Array {
  const writer = new OctetWriter().digest(bundle.digest);
  writeFrame(writer, bundle);
  const entries = [...entriesOf(bundle.policies), ...entriesOf(bundle.transit)];
  const peers = peersOf(bundle);
  const sets = new Set([
    ...entries.flatMap(({ local, remote }) => (local === 'site' ? [remote] : [local, remote])),
    ...peers.map(({ carries }) => carries),
  ]);
  writer.number(sets.size);
  for (const set of sets) writeSet(writer, set);
  writer.number(entries.length);
  for (const entry of entries) writeEntry(writer, entry);
  writer.number(peers.length);
  for (const peer of peers) writePeer(writer, peer);
  const routes = routesOf(bundle);
  writer.number(routes.length);
  for (const route of routes) writer.text(route);
  return writer.finish();
}

function writeFrame(writer: OctetWriter, frame: BundleFrame): void {
  writer.text(frame.tenantId).text(frame.edgeId).text(frame.keyingMode).number(frame.device.mtu);
  writer.text(frame.underlay.address).number(frame.underlay.port).text(frame.identity);
  writer.text(
    JSON.stringify([frame.otherUnderlays, frame.authentication, frame.localNetworks, frame.mappings, frame.standbys]),
  );
}

function digestOfFrame(frame: BundleFrame): Uint8Array {
  return remembered(frame, (writer) => writeFrame(writer, frame));
}

function digestOfSections(sections: readonly { readonly digest: Uint8Array }[]): Uint8Array {
  return remembered(sections, (writer) => {
    writer.number(sections.length);
    for (const { digest } of sections) writer.digest(digest);
  });
}

function remembered(value: object, write: (writer: OctetWriter) => void): Uint8Array {
  const known = digests.get(value);
  if (known !== undefined) return known;
  const writer = new OctetWriter();
  write(writer);
  const digest = writer.hash();
  digests.set(value, digest);
  return digest;
}

/** Frames, routes and, mostly, peers stay what they are when a rule is edited. */
const digests = new WeakMap<object, Uint8Array>();

import { rangesKey } from '../address/address-set.js';
import { parsePrefixText } from '../address/prefix.js';
import type { RangeSet } from '../address/range-set.js';
import type { BundlePortRange, EdgeBundle } from '../bundle.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import { routesOf, type SharedBundle, type StandbyEdge } from '../fabric/shared-bundle.js';
import { sameValue } from '../same-value.js';
import { pathWatchOf } from '../uplinks.js';
import { type Clause, type Flow, flowClasses } from './decision-list.js';
import { DeliveredRegions } from './delivered-regions.js';
import { DeliveredWords } from './delivered-words.js';
import type { Finding } from './finding.js';
import { formatPacket, type Packet, serves } from './packet.js';
import { IN_THE_CLEAR, provenRegions, type Region, type RegionEntry, type Regions } from './region-entries.js';

/** What was found, by edge; every edge of the fabric is there. */
export type DeliveredProof = ReadonlyMap<string, readonly Finding[]>;

/**
 * Proves that edges are given what was proven. The proof reads bundles that edges share; each is given its own, written from these.
 * Here each delivered bundle is held against the proven one of its site, for all packets: every entry with its addresses, ports, peers
 * and protection, in its order, so that each decides what the other does; and routes, networks and the edge's own endpoint. What is not
 * said in the same words is compared packet by packet. `known` has the findings of edges of which neither bundle is another one.
 */
export function proveDelivered(
  delivered: ReadonlyMap<string, EdgeBundle>,
  { bundles, plan }: CompiledFabric,
  known: (edgeId: string) => readonly Finding[] | undefined = () => undefined,
): DeliveredProof {
  const { topology } = plan;
  const [words, reader] = [new DeliveredWords(topology), new DeliveredRegions(topology)];
  const proof = new Map<string, readonly Finding[]>();
  for (const bundle of bundles) {
    let proven: Regions | undefined;
    for (const [standby, edge] of [bundle, ...bundle.standbys].entries()) {
      const before = known(edge.edgeId);
      const given = before === undefined ? delivered.get(edge.edgeId) : undefined;
      const name = topology.served[bundle.owner]?.edges[standby]?.name ?? edge.edgeId;
      const named = { edgeId: edge.edgeId, name };
      if (before !== undefined) proof.set(edge.edgeId, before);
      else if (given === undefined) proof.set(edge.edgeId, [otherThanProven(named, 'is missing', undefined)]);
      else {
        const same = words.same(given, bundle);
        if (!same) proven ??= provenRegions(bundle, topology);
        proof.set(edge.edgeId, [
          ...wrongFrame(given, bundle, edge, name),
          ...wrongRoutes(given, bundle, named),
          ...(same || proven === undefined ? [] : wrongEntries(named, proven, reader.of(given))),
        ]);
      }
    }
  }
  return proof;
}

interface NamedEdge {
  readonly edgeId: string;
  readonly name: string;
}

function wrongFrame(
  given: EdgeBundle,
  { tenantId, localNetworks, mappings }: SharedBundle,
  { edgeId, device, underlay, otherUnderlays }: StandbyEdge,
  name: string,
): readonly Finding[] {
  const endpoints = [underlay, ...otherUnderlays];
  const frame = { tenantId, edgeId, device, endpoints, localNetworks: [...localNetworks].sort(), mappings };
  const other = {
    tenantId: given.tenantId,
    edgeId: given.edgeId,
    device: given.device,
    endpoints: [given.underlay, ...(given.otherUnderlays ?? [])],
    localNetworks: [...given.localNetworks].sort(),
    mappings: given.networkMappings,
  };
  const found = [];
  if (!sameValue(frame, other)) {
    found.push(otherThanProven({ edgeId, name }, 'says something else of the edge itself', undefined));
  }
  if (!sameValue(pathWatchOf(given), given.pathWatch)) {
    found.push(otherThanProven({ edgeId, name }, 'watches the paths of its tunnels in another way', undefined));
  }
  return found;
}

/** Without a route, packets of the fabric leave by the default one, in the clear. */
function wrongRoutes(given: EdgeBundle, bundle: SharedBundle, edge: NamedEdge): readonly Finding[] {
  const [wanted, found] = [new Set(routesOf(bundle)), new Set(given.routes)];
  const missing = [...wanted].filter((route) => !found.has(route)).map((route) => [route, 'has no route to'] as const);
  const more = [...found]
    .filter((route) => !wanted.has(route))
    .map((route) => [route, 'routes into the fabric'] as const);
  return [...missing, ...more]
    .slice(0, MAX_PER_EDGE)
    .map(([route, what]) => otherThanProven(edge, `${what} ${route}`, packetTo(route)));
}

/** Whatever the source: routes ask for the destination only. */
function packetTo(route: string): Packet | undefined {
  const parsed = parsePrefixText(route);
  if (!parsed.ok) return undefined;
  const { family, range } = parsed.prefix;
  const ends = { source: range.first, destination: range.first };
  return { family, ...ends, protocol: ANY_PROTOCOL, sourcePort: 0, destinationPort: 0 };
}

function wrongEntries(edge: NamedEdge, proven: Regions, given: Regions): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [region, wanted, found] of proven.beside(given)) {
    if (findings.length >= MAX_PER_EDGE) break;
    if (sameEntries(wanted, found)) continue;
    const difference = differenceIn(region, wanted, found);
    if (difference === undefined) continue;
    const { packet, ruleId } = difference;
    findings.push({ ...otherThanProven(edge, differing(difference), packet), ruleId });
  }
  return findings;
}

/** Whether both are the same, entry by entry. Entries of one rule with one target may change places: they say the same. */
function sameEntries(wanted: readonly RegionEntry[], found: readonly RegionEntry[]): boolean {
  const protects = ({ target }: RegionEntry) => target !== undefined;
  if (!wanted.some(protects) && !found.some(protects)) return true;
  return listText(wanted) === listText(found);
}

function listText(entries: readonly RegionEntry[]): string {
  const runs: { readonly head: RegionEntry; readonly boxes: Set<string> }[] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run !== undefined && run.head.ruleId === entry.ruleId && run.head.target === entry.target) {
      run.boxes.add(boxText(entry));
    } else runs.push({ head: entry, boxes: new Set([boxText(entry)]) });
  }
  return runs.map(({ head, boxes }) => `${head.target ?? ''} ${[...boxes].sort().join(' ')}`).join('\n');
}

function boxText({ protocol, local, remote, localPorts, remotePorts }: RegionEntry): string {
  return `${protocol}|${rangesText(local)}|${rangesText(remote)}|${portsText(localPorts)}|${portsText(remotePorts)}`;
}

function rangesText(ranges: RangeSet): string {
  const known = texts.get(ranges);
  if (known !== undefined) return known;
  const text = rangesKey({ 4: ranges, 6: [] });
  texts.set(ranges, text);
  return text;
}

function portsText(ports: readonly BundlePortRange[]): string {
  return ports.map(({ first, last }) => `${first}-${last}`).join();
}

interface RegionDifference {
  readonly packet: Packet;
  readonly ruleId: string | undefined;
  readonly wanted: string | undefined;
  readonly found: string | undefined;
}

/** A packet that the two decide differently; undefined when there is none, and they only say it in other words. */
function differenceIn(
  { family }: Region,
  wanted: readonly RegionEntry[],
  found: readonly RegionEntry[],
): RegionDifference | undefined {
  const all = [...wanted, ...found];
  const sources = starts(all.map(({ local }) => local));
  const destinations = starts(all.map(({ remote }) => remote));
  for (const source of sources) {
    for (const destination of destinations) {
      const at = ({ local, remote }: RegionEntry) => holds(local, source) && holds(remote, destination);
      const [one, other] = [wanted.filter(at), found.filter(at)];
      for (const flow of flowClasses([...one, ...other].flatMap(cutsOf))) {
        const [should, does] = [one.find((entry) => matches(entry, flow)), other.find((entry) => matches(entry, flow))];
        if (should?.target === does?.target) continue;
        const { protocol, localPort: sourcePort, remotePort: destinationPort } = flow;
        const packet = { family, source, destination, protocol, sourcePort, destinationPort };
        return { packet, ruleId: (should ?? does)?.ruleId, wanted: should?.target, found: does?.target };
      }
    }
  }
  return undefined;
}

/** One address out of each class that no entry tells apart. */
function starts(sets: readonly RangeSet[]): readonly bigint[] {
  return [...new Set(sets.flatMap((set) => set.flatMap(({ first, last }) => [first, last + 1n])))];
}

/** Where an entry cuts the flows: by the ports of each side; those of any protocol by the ones of each that has ports. */
function cutsOf({ ruleId, protocol, localPorts, remotePorts }: RegionEntry): readonly Clause[] {
  const cut = { ruleId, action: 'DISCARD', profileId: '' } as const;
  const protocols = protocol === 'any' ? ([protocol, ...WITH_PORTS] as const) : [protocol];
  const services = (ports: RegionEntry['localPorts']) => protocols.map((each) => ({ protocol: each, ports }));
  return [
    { ...cut, services: services(remotePorts), direction: 'opens' },
    { ...cut, services: services(localPorts), direction: 'answers' },
  ];
}

function matches({ protocol, localPorts, remotePorts }: RegionEntry, flow: Flow): boolean {
  return (
    serves([{ protocol, ports: localPorts }], flow.protocol, flow.localPort) &&
    serves([{ protocol, ports: remotePorts }], flow.protocol, flow.remotePort)
  );
}

function holds(ranges: RangeSet, address: bigint): boolean {
  return ranges.some(({ first, last }) => first <= address && address <= last);
}

function differing({ packet, wanted, found }: RegionDifference): string {
  const text = formatPacket(packet);
  if (found === undefined) return `discards ${text}, which the proven one protects`;
  if (found === IN_THE_CLEAR) return `lets ${text} pass in the clear`;
  if (wanted === undefined) return `protects ${text}, which the proven one discards`;
  return `protects ${text} with other peers, or otherwise, than the proven one`;
}

function otherThanProven({ edgeId, name }: NamedEdge, what: string, counterexample: Packet | undefined): Finding {
  return {
    kind: 'delivered_differs',
    detail: `The bundle that the edge "${name}" would be given ${what}: it is not what was proven.`,
    fix: 'Publish nothing, and report this with the intent: the bundle was not made from what was proven.',
    edgeIds: [edgeId],
    ruleId: undefined,
    counterexample,
  };
}

/** Of addresses that are shared, which many regions name. */
const texts = new WeakMap<RangeSet, string>();
const ANY_PROTOCOL = 253;
/** TCP and UDP. */
const WITH_PORTS = [6, 17] as const;
const MAX_PER_EDGE = 3;

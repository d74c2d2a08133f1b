import { formatAddressText } from './address/text.js';
import type { BundlePathWatch, BundleTunnel, EdgeBundle } from './bundle.js';
import { type PlacedAddress, placedAddress } from './edge-address.js';
import type { FabricIntent, IntentEdge } from './intent.js';
import type { PlacedNetwork } from './networks.js';
import type { CompileProblem, ProblemRule } from './problem.js';

/** Checks the addresses that an edge has beside its preferred one; undefined when something is wrong with them. */
export function otherUplinks(
  { name, otherUnderlayAddresses = [] }: IntentEdge,
  pointer: string,
  preferred: string,
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): readonly PlacedAddress[] | undefined {
  const at = `${pointer}/otherUnderlayAddresses`;
  if (otherUnderlayAddresses.length > MAX_OTHER_UPLINKS) {
    problems.push({
      pointer: at,
      rule: 'too_many_uplinks',
      detail: `The edge "${name}" has ${otherUnderlayAddresses.length} underlay addresses beside the preferred one; it may have ${MAX_OTHER_UPLINKS}.`,
      fix: 'Leave out the ones that are preferred least.',
    });
    return undefined;
  }
  const before = problems.length;
  const seen = new Set([preferred]);
  const placed = otherUnderlayAddresses.flatMap((text, index) => {
    const address = placedAddress({ name, text, pointer: `${at}/${index}` }, networks, problems);
    if (address === undefined) return [];
    const known = formatAddressText(address);
    if (seen.has(known)) problems.push(repeated(name, known, `${at}/${index}`));
    seen.add(known);
    return [address];
  });
  return problems.length > before ? undefined : placed;
}

/**
 * Reports edges with several uplinks where a dead one could not be left: only who negotiates tells the peer where packets come from
 * (RFC 4555), in transport mode the addresses are what is protected, and what travels directly on IP leaves by the route to the peer,
 * whatever address it has (docs/adr/0034).
 */
export function reportUnfitUplinks(intent: FabricIntent, problems: CompileProblem[]): void {
  const reason = unfitFor(intent);
  if (reason === undefined) return;
  for (const [index, { name, otherUnderlayAddresses = [] }] of intent.edges.entries()) {
    if (otherUnderlayAddresses.length === 0) continue;
    const { rule, because, fix } = reason;
    problems.push({
      pointer: `/edges/${index}/otherUnderlayAddresses`,
      rule,
      detail: `The edge "${name}" has several underlay addresses, and ${because}.`,
      fix: `${fix}, or leave the edge its preferred address alone.`,
    });
  }
}

/** How an edge watches the paths of its tunnels; undefined: none has more than one. */
export function pathWatchOf({
  otherUnderlays,
  tunnels,
}: Pick<EdgeBundle, 'otherUnderlays' | 'tunnels'>): BundlePathWatch | undefined {
  const watched = tunnels.filter(
    ({ external, otherRemotes }: BundleTunnel) =>
      external === undefined && (otherUnderlays !== undefined || otherRemotes !== undefined),
  ).length;
  if (watched === 0) return undefined;
  const rare = watched * MILLISECONDS_BETWEEN_PROBES;
  const probeIntervalMilliseconds = Math.min(Math.max(rare, SHORTEST_INTERVAL), LONGEST_INTERVAL);
  return { probeIntervalMilliseconds, missedProbes: 3, holdDownSeconds: 30 };
}

function repeated(name: string, address: string, pointer: string): CompileProblem {
  return {
    pointer,
    rule: 'duplicate_endpoint',
    detail: `The edge "${name}" has the underlay address ${address} twice.`,
    fix: 'Name each uplink once.',
  };
}

function unfitFor({ keyingMode, mode, encapsulation, securityProtocol }: FabricIntent): Unfit | undefined {
  if (keyingMode !== 'ikev2') return UNFIT.keying;
  if (mode === 'transport') return UNFIT.transport;
  return encapsulation === 'none' || securityProtocol === 'ah' ? UNFIT.raw : undefined;
}

interface Unfit {
  readonly rule: ProblemRule;
  readonly because: string;
  readonly fix: string;
}

const UNFIT = {
  keying: {
    rule: 'uplinks_without_negotiation',
    because: 'where edges do not negotiate nobody tells the peer that packets come by another one',
    fix: 'Let the edges negotiate (ikev2)',
  },
  transport: {
    rule: 'uplinks_in_transport_mode',
    because: 'in transport mode nothing but what goes between two addresses is protected',
    fix: 'Choose tunnel mode',
  },
  raw: {
    rule: 'uplinks_without_udp',
    because: 'packets directly on IP leave by the route to the peer, whichever uplink they are to go by',
    fix: 'Choose esp, in UDP',
  },
} as const satisfies Record<string, Unfit>;
/** An edge takes three more (RFC 4555 section 3.4); more providers at one site nobody has. */
const MAX_OTHER_UPLINKS = 4;
/** A dead path is left after five of these and some round trips. */
const SHORTEST_INTERVAL = 1_000;
/** What an edge takes. */
const LONGEST_INTERVAL = 60_000;
/** Each probe is an exchange: an edge with a thousand tunnels makes a hundred of them in a second, and no more. */
const MILLISECONDS_BETWEEN_PROBES = 10;

import { IPV6_MINIMUM_MTU } from '../policy/path-mtu.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Family } from '../wire/ip/address.js';
import type { Flow } from '../wire/ip/flow.js';
import { doesNotFragment, readTrafficClass } from '../wire/ip/header.js';
import { hidesFields, type PolicyInForce } from './fragment-intake.js';

/**
 * What happens to a clear packet whose protected form exceeds the path MTU (RFC 4301 section 8.2.1).
 * `report`: discarded, and its source is told which length would pass. `fragment_before`: cut into IP fragments, each of
 * which is protected. `fragment_after`: protected whole, and the result is cut on the underlay.
 */
export type TooLargeAction = 'report' | 'fragment_before' | 'fragment_after';

/** The facts that decide. */
export interface TooLarge {
  readonly family: Family;
  readonly mode: 'tunnel' | 'transport';
  /** DF of the clear packet; IPv6 always has it, in effect. */
  readonly dontFragment: boolean;
  /** DF that the outer header would carry. */
  readonly outerDontFragment: boolean;
  readonly fragmentation: 'before' | 'after';
  /** Octets of the clear packet. */
  readonly length: number;
  /** Octets of the largest fragment that the packet arrived in; undefined when it arrived whole. */
  readonly largestFragment: number | undefined;
  /** Octets of the largest clear packet that would fit. */
  readonly limit: number;
  /**
   * Tunnel mode: whether the association carries later fragments: its policy has no ports, or the peer takes them all
   * the same (section 7.3: otherwise "it MUST NOT send such fragments over the SA").
   */
  readonly carriesFragments: boolean;
}

/**
 * The first row whose conditions hold decides. Section 8.2.1 has cases 1 (IPv4 with DF: discard and report), 2 (IPv4
 * without: "SHOULD fragment (before or after encryption per its configuration)") and 3 (IPv6: discard and report); the
 * other rows are what they leave open. Clearing DF in the outer header (section 8.1) alone does not change case 1: it
 * takes the wish to have the result fragmented as well, since a path that drops fragments would then lose the packet
 * without anybody being told.
 */
export function tooLargeAction(facts: TooLarge): TooLargeAction {
  const row = ROWS.find(({ holds }) => holds(facts));
  return row?.action ?? 'report';
}

/**
 * The facts about a packet that would have `length` octets. `next`: what its fragmentable part begins with;
 * `largestFragment` and `limit` as above.
 */
export function factsOf(
  policy: PolicyInForce,
  association: OutboundAssociation,
  flow: Flow,
  packet: Uint8Array,
  offset: number,
  next: number,
  length: number,
  largestFragment: number | undefined,
  limit: number,
): TooLarge {
  const dontFragment = doesNotFragment(packet, offset);
  const dscp = readTrafficClass(packet, offset) >>> 2;
  return {
    family: flow.family,
    mode: association.mode,
    dontFragment,
    outerDontFragment: outerDontFragment(association, dontFragment),
    fragmentation: association.pathMtu?.fragmentation ?? 'before',
    length,
    largestFragment,
    limit,
    carriesFragments:
      association.mode === 'transport' || association.nonFirstFragmentsAlso || !hidesFields(policy, flow, next, dscp),
  };
}

/** DF of the outer header (section 8.1); without one of the engine's, of the one that a socket writes. */
export function outerDontFragment(association: OutboundAssociation, inner: boolean): boolean {
  const { dontFragment, mode } = association;
  if (mode === 'transport' || dontFragment === 'copy') return inner;
  return dontFragment === 'set';
}

/** Or that an IPv6 source cannot make smaller: they are made smaller here, for it would not be told to. */
function arrivedInFragmentsThatFit({ family, largestFragment, limit }: TooLarge): boolean {
  return largestFragment !== undefined && largestFragment <= (family === 6 ? Math.max(limit, IPV6_MINIMUM_MTU) : limit);
}

const ROWS: readonly {
  readonly story: string;
  readonly holds: (facts: TooLarge) => boolean;
  readonly action: TooLargeAction;
}[] = [
  {
    story: 'what would be cut before is cut after where the peer takes no later fragments (section 7.3)',
    holds: ({ carriesFragments, largestFragment, dontFragment }) =>
      !carriesFragments && (largestFragment !== undefined || !dontFragment),
    action: 'fragment_after',
  },
  {
    story: 'transport mode carries no fragments (section 4.1), but what arrived in fragments that fit may leave so',
    holds: (facts) => facts.mode === 'transport' && arrivedInFragmentsThatFit(facts),
    action: 'fragment_after',
  },
  {
    story: 'a packet whose fragments fit is cut again as it was: IPv6 too, for its source cut it first',
    holds: arrivedInFragmentsThatFit,
    action: 'fragment_before',
  },
  {
    story: 'an IPv6 packet of 1280 octets or less has to pass (RFC 8200 section 5, RFC 2473 section 7.1)',
    holds: ({ family, length, largestFragment }) =>
      family === 6 && length <= IPV6_MINIMUM_MTU && largestFragment === undefined,
    action: 'fragment_after',
  },
  {
    story: 'configured: the result is cut, where its header allows that',
    holds: ({ fragmentation, outerDontFragment: outer }) => fragmentation === 'after' && !outer,
    action: 'fragment_after',
  },
  {
    story: 'cases 1 and 3: the source is told',
    holds: ({ dontFragment }) => dontFragment,
    action: 'report',
  },
  {
    story: 'case 2 in transport mode',
    holds: ({ mode }) => mode === 'transport',
    action: 'fragment_after',
  },
  { story: 'case 2', holds: () => true, action: 'fragment_before' },
];

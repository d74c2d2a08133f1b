import { createHash } from 'node:crypto';
import { type AddressRange, formatAddress, parseAddress, parsePrefix } from '@weft/ipsec-core';
import { z } from 'zod';
import type { TextRange } from './protected-ranges.js';

/** What the fence is to keep apart. */
export interface FencePlan {
  /** The overlay device: what comes and goes by it is protected. */
  readonly device: string;
  /** Firewall mark of the agent's own sockets, which carry what is protected already. */
  readonly mark: number;
  readonly ranges: readonly TextRange[];
}

/** The fence as the kernel has it. */
export interface FenceState {
  /** Of the plan that it was made from; undefined when not all of that is there. */
  readonly ranges: readonly TextRange[] | undefined;
  /** Packets that came in the clear from a protected address. */
  readonly arrivedInClear: bigint;
  /** Packets that would have left in the clear for a protected address. */
  readonly leftInClear: bigint;
}

/**
 * What `nft -f` is to carry out, in one transaction: the table as the plan wants it takes the place of the one before, and no
 * packet meets neither. Counters begin anew at `counted`.
 */
export function fenceRuleset(plan: FencePlan, counted: Omit<FenceState, 'ranges'> = NOTHING): string {
  const counter = (packets: bigint) => `{ packets ${packets} bytes 0; }`;
  return [
    `table inet ${FENCE_TABLE}`,
    `delete table inet ${FENCE_TABLE}`,
    `table inet ${FENCE_TABLE} {`,
    `  counter arrived_in_clear ${counter(counted.arrivedInClear)}`,
    `  counter left_in_clear ${counter(counted.leftInClear)}`,
    body(plan, fingerprintOf(plan)),
    '}',
    '',
  ].join('\n');
}

/** Reads `nft -j list table inet weft_edge`, made for this device and mark. Throws ZodError. */
export function parseFence(output: unknown, { device, mark }: Omit<FencePlan, 'ranges'>): FenceState {
  const objects = Listing.parse(output).nftables;
  const ranges = [4, 6].flatMap((family) =>
    objects.flatMap(({ set }) => (set?.name === `protected${family}` ? (set.elem ?? []).map(rangeOf) : [])),
  );
  const chains = objects.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const has = (name: string, hook: string | undefined) => chains.some((one) => one.name === name && one.hook === hook);
  const rules = (chain: string) => objects.filter(({ rule }) => rule?.chain === chain).length;
  const complete =
    has('arriving', 'prerouting') &&
    has('leaving', 'postrouting') &&
    has(fingerprintOf({ device, mark, ranges }), undefined) &&
    Object.entries(RULES).every(([chain, lines]) => rules(chain) === lines);
  const packets = (name: string) => objects.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0n;
  return {
    ranges: complete ? ranges : undefined,
    arrivedInClear: packets('arrived_in_clear'),
    leftInClear: packets('left_in_clear'),
  };
}

/** A name for what a plan makes: two plans that make the same have the same one. */
function fingerprintOf(plan: FencePlan): string {
  return `plan_${createHash('sha256').update(body(plan, 'plan')).digest('hex').slice(0, 16)}`;
}

function rangeOf(element: z.infer<typeof Element>): TextRange {
  if (typeof element === 'string') return { family: element.includes(':') ? 6 : 4, first: element, last: element };
  const { first, last } = parsePrefixOrRange(element);
  return { family: first.length === 4 ? 4 : 6, first: formatAddress(first), last: formatAddress(last) };
}

function parsePrefixOrRange(element: Exclude<z.infer<typeof Element>, string>): AddressRange {
  if ('prefix' in element) return parsePrefix(`${element.prefix.addr}/${element.prefix.len}`).range;
  const [first, last] = element.range;
  return { first: parseAddress(first), last: parseAddress(last) };
}

/**
 * RFC 4301 section 5.2: "If the packet is [not] protected […] and there is a match in SPD-S … discard": what comes from the
 * underlay and claims a protected source is dropped, whoever would be its receiver. What would leave for a protected address
 * by any device but the overlay's is dropped, whatever the routes say.
 *
 * The agent's own packets are excepted by their mark; those that arrive, by the mark of the socket that they are for, and ESP
 * and AH, which have none, by their protocol. A fragment without a header is left to its first fragment: nothing is put
 * together without that one. Neighbour discovery (RFC 4861: hop limit 255) and errors about packets of this machine must pass
 * also where the overlay covers the addresses of the underlay.
 *
 * A relay sends what comes out of the overlay into it again. The kernel takes its device for a shared link there and would tell
 * the source of a shorter way (RFC 1812 section 5.2.7.2), which the topology does not have: such a redirect stays here.
 */
function body(plan: FencePlan, fingerprint: string): string {
  const { device, mark, ranges } = plan;
  const inside = `{ "lo", "${device}" }`;
  const hexadecimal = `0x${mark.toString(16)}`;
  const chain = (name: keyof typeof RULES, head: readonly string[], rules: readonly string[]) => [
    `  chain ${name} {`,
    ...[...head, ...rules].map((line) => `    ${line}`),
    '  }',
  ];
  return [
    ...set('protected4', 'ipv4_addr', ranges, 4),
    ...set('protected6', 'ipv6_addr', ranges, 6),
    `  chain ${fingerprint} {`,
    '  }',
    ...chain(
      'claimed',
      [],
      [
        `socket mark ${hexadecimal} return`,
        'fib daddr type local meta l4proto { esp, ah } return',
        'fib daddr type local ip frag-off & 0x1fff != 0 return',
        'fib daddr type local frag frag-off != 0 return',
        `fib daddr type local icmp type { ${ICMP_ERRORS} } return`,
        `fib daddr type local icmpv6 type { ${ICMPV6_ERRORS} } return`,
        `icmpv6 type { ${NEIGHBOUR_DISCOVERY} } ip6 hoplimit 255 return`,
        'counter name arrived_in_clear drop',
      ],
    ),
    ...chain(
      'exposed',
      [],
      [
        `meta mark ${hexadecimal} return`,
        `icmpv6 type { ${NEIGHBOUR_DISCOVERY} } ip6 hoplimit 255 return`,
        'counter name left_in_clear drop',
      ],
    ),
    ...chain(
      'arriving',
      ['type filter hook prerouting priority -150; policy accept;'],
      [`iifname ${inside} return`, 'ip saddr @protected4 jump claimed', 'ip6 saddr @protected6 jump claimed'],
    ),
    ...chain(
      'leaving',
      ['type filter hook postrouting priority 90; policy accept;'],
      [
        `oifname "${device}" icmp type redirect drop`,
        `oifname ${inside} return`,
        'ip daddr @protected4 jump exposed',
        'ip6 daddr @protected6 jump exposed',
      ],
    ),
  ].join('\n');
}

function set(name: string, type: string, ranges: readonly TextRange[], family: 4 | 6): string[] {
  const elements = ranges
    .filter((range) => range.family === family)
    .map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  return [
    `  set ${name} {`,
    `    type ${type}; flags interval;`,
    ...(elements.length === 0 ? [] : [`    elements = { ${elements.join(', ')} }`]),
    '  }',
  ];
}

/** Our table of the kernel's packet filter; tables of others are never touched. */
export const FENCE_TABLE = 'weft_edge';
/** Rules that each chain must have. */
const RULES = { claimed: 8, exposed: 3, arriving: 3, leaving: 4 } as const;
const NOTHING = { arrivedInClear: 0n, leftInClear: 0n };
const ICMP_ERRORS = 'destination-unreachable, time-exceeded, parameter-problem';
const ICMPV6_ERRORS = 'destination-unreachable, packet-too-big, time-exceeded, parameter-problem';
const NEIGHBOUR_DISCOVERY = 'nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert';
const Element = z.union([
  z.string(),
  z.object({ prefix: z.object({ addr: z.string(), len: z.number() }) }),
  z.object({ range: z.tuple([z.string(), z.string()]) }),
]);
const Listing = z.object({
  nftables: z.array(
    z.object({
      chain: z.object({ name: z.string(), hook: z.string().optional() }).optional(),
      set: z.object({ name: z.string(), elem: z.array(Element).optional() }).optional(),
      rule: z.object({ chain: z.string() }).optional(),
      counter: z.object({ name: z.string(), packets: z.number().transform(BigInt) }).optional(),
    }),
  ),
});

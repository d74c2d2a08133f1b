import { type AddressRange, formatAddress, parseAddress, parsePrefix } from '@weft/ipsec-core';

/** Addresses from the first to the last, both included, as nftables writes them. */
export interface TextRange {
  readonly family: 4 | 6;
  readonly first: string;
  readonly last: string;
}

/**
 * The addresses that are reached through the overlay and in no other way: those of which the most precise prefix around them
 * is one of `routes` and not one of `direct` (a prefix in both is direct). In order, none touching another.
 * What never leaves a link, and what names no machine, is never among them: neighbours must be found by it.
 */
export function protectedRanges(routes: Iterable<string>, direct: Iterable<string>): readonly TextRange[] {
  const kinds = new Map<string, boolean>();
  for (const prefix of routes) kinds.set(prefix, true);
  for (const prefix of [...direct, ...NEVER_ROUTED]) kinds.set(prefix, false);
  const prefixes = [...kinds].map(([text, isProtected]) => ({ ...parsePrefix(text), isProtected }));
  return FAMILIES.flatMap((family) => {
    const ours = prefixes.filter(({ address }) => address.length === ADDRESS_OCTETS[family]);
    return sweep(ours).map((span) => textOf(span, family));
  });
}

/** The addresses that are in one of these lists or in several. In order, none touching another. */
export function unionOfRanges(lists: readonly (readonly TextRange[])[]): readonly TextRange[] {
  return FAMILIES.flatMap((family) => {
    const spans = lists
      .flat()
      .filter((range) => range.family === family)
      .map(({ first, last }) => ({ first: numberOf(parseAddress(first)), last: numberOf(parseAddress(last)) }))
      .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    const found: Span[] = [];
    for (const span of spans) add(found, span.first, span.last);
    return found.map((span) => textOf(span, family));
  });
}

interface Prefix {
  readonly range: AddressRange;
  readonly length: number;
  readonly isProtected: boolean;
}

/** Prefixes nest or are apart: from one boundary to the next, the innermost that is open decides. */
function sweep(prefixes: readonly Prefix[]): readonly Span[] {
  const spans = prefixes
    .map(({ range, length, isProtected }) => ({
      first: numberOf(range.first),
      last: numberOf(range.last),
      length,
      isProtected,
    }))
    .sort((a, b) => (a.first === b.first ? a.length - b.length : a.first < b.first ? -1 : 1));
  const found: Span[] = [];
  const open: (typeof spans)[number][] = [];
  let at = 0n;
  const advance = (to: bigint) => {
    if (at < to && open.at(-1)?.isProtected) add(found, at, to - 1n);
    if (at < to) at = to;
  };
  const close = (before: bigint | undefined) => {
    for (
      let last = open.at(-1);
      last !== undefined && (before === undefined || last.last < before);
      last = open.at(-1)
    ) {
      advance(last.last + 1n);
      open.pop();
    }
  };
  for (const span of spans) {
    close(span.first);
    advance(span.first);
    open.push(span);
  }
  close(undefined);
  return found;
}

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/** Adds a span that begins no earlier than those before it, to the last of them where it touches it. */
function add(found: Span[], first: bigint, last: bigint): void {
  const before = found.at(-1);
  if (before === undefined || before.last + 1n < first) found.push({ first, last });
  else if (before.last < last) found[found.length - 1] = { first: before.first, last };
}

function textOf({ first, last }: Span, family: 4 | 6): TextRange {
  const text = (number: bigint) =>
    formatAddress(Buffer.from(number.toString(16).padStart(2 * ADDRESS_OCTETS[family], '0'), 'hex'));
  return { family, first: text(first), last: text(last) };
}

function numberOf(address: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(address).toString('hex')}`);
}

/** This host and no host, loopback, multicast and broadcast; unspecified, loopback, link-local and multicast. */
const NEVER_ROUTED = [
  '0.0.0.0/32',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
];
const FAMILIES = [4, 6] as const;
const ADDRESS_OCTETS = { 4: 4, 6: 16 } as const;

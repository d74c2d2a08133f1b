import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import { formatAddress } from '../wire/ip/address.js';

/**
 * Narrowing, RFC 7296 section 2.9: the responder answers with the part of the offer that its policy allows, empty when
 * there is none (TS_UNACCEPTABLE). Intersections that lie inside another one are left out.
 */
export function narrow(offered: readonly WireSelector[], allowed: readonly WireSelector[]): readonly WireSelector[] {
  const parts: Range[] = [];
  for (const theirs of offered) {
    for (const ours of allowed) {
      const part = theirs.type === 'range' && ours.type === 'range' ? intersect(theirs, ours) : undefined;
      if (part !== undefined && parts.length < MAXIMUM_SELECTORS && !parts.some((other) => covers(other, part))) {
        parts.push(part);
      }
    }
  }
  return parts;
}

/** All addresses of a family, every protocol and port. */
export function everything(family: 4 | 6): WireSelector {
  const length = family === 4 ? 4 : 16;
  return { ...ANY_FLOW, first: new Uint8Array(length), last: new Uint8Array(length).fill(0xff) };
}

/** One address, every protocol and port. */
export function onlyAddress(address: Uint8Array): WireSelector {
  return { ...ANY_FLOW, first: address, last: address };
}

/** One address on each side: what section 2.9 calls a single pair. */
export function isSingleAddress(selector: WireSelector | undefined): boolean {
  return selector?.type === 'range' && compare(selector.first, selector.last) === 0;
}

/** Whether every selector of an answer lies inside the offer: the responder may only narrow. */
export function isWithin(answer: readonly WireSelector[], offer: readonly WireSelector[]): boolean {
  return answer.every(
    (part) => part.type === 'range' && offer.some((whole) => whole.type === 'range' && covers(whole, part)),
  );
}

/** For people: `10.1.0.0-10.1.0.255 tcp 443`, with what is "any" left out. */
export function describeSelector(selector: WireSelector): string {
  if (selector.type === 'unknown') return `selector type ${selector.number}`;
  const { first, last, protocol, startPort, endPort } = selector;
  const [from, to] = [formatAddress(first), formatAddress(last)];
  const ports = isOpaque(selector) ? ' opaque' : isAnyPort(selector) ? '' : ` ports ${startPort}-${endPort}`;
  return `${from === to ? from : `${from}-${to}`}${protocol === 0 ? '' : ` protocol ${protocol}`}${ports}`;
}

type Range = Extract<WireSelector, { type: 'range' }>;

function intersect(left: Range, right: Range): Range | undefined {
  if (left.first.length !== right.first.length) return undefined;
  if (left.protocol !== 0 && right.protocol !== 0 && left.protocol !== right.protocol) return undefined;
  const first = compare(left.first, right.first) > 0 ? left.first : right.first;
  const last = compare(left.last, right.last) < 0 ? left.last : right.last;
  const ports = intersectPorts(left, right);
  if (ports === undefined || compare(first, last) > 0) return undefined;
  return { type: 'range', protocol: left.protocol || right.protocol, ...ports, first, last };
}

/** OPAQUE (65535, 0) meets only itself and "any". */
function intersectPorts(left: Range, right: Range): Pick<Range, 'startPort' | 'endPort'> | undefined {
  if (isOpaque(left) || isOpaque(right)) {
    const other = isOpaque(left) ? right : left;
    return isOpaque(other) || isAnyPort(other) ? { startPort: 0xffff, endPort: 0 } : undefined;
  }
  const startPort = Math.max(left.startPort, right.startPort);
  const endPort = Math.min(left.endPort, right.endPort);
  return startPort > endPort ? undefined : { startPort, endPort };
}

function covers(whole: Range, part: Range): boolean {
  const met = intersect(whole, part);
  return (
    met !== undefined &&
    met.protocol === part.protocol &&
    met.startPort === part.startPort &&
    met.endPort === part.endPort &&
    compare(met.first, part.first) === 0 &&
    compare(met.last, part.last) === 0
  );
}

function isOpaque(range: Range): boolean {
  return range.startPort > range.endPort;
}

function isAnyPort(range: Range): boolean {
  return range.startPort === 0 && range.endPort === 0xffff;
}

function compare(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < left.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const MAXIMUM_SELECTORS = 255;
const ANY_FLOW = { type: 'range', protocol: 0, startPort: 0, endPort: 0xffff } as const;

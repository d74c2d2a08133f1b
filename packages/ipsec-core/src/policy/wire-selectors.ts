import { PolicyError } from '../errors.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import type { AddressRange } from '../wire/ip/address.js';
import { checkSelector, familyOf, isAnyPort, type PortSelector, type TrafficSelector } from './selector.js';

/** The traffic selector payloads of IKEv2 (RFC 7296 section 3.13), ours and the peer's. */
export interface WireSelectors {
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
}

/**
 * What IKEv2 can say of selector sets. It pairs any local with any remote part (RFC 4301 section 4.4.1.2): of several
 * sets the answer may carry more than they do, and a peer must be asked for them one by one where that matters.
 */
export function toWireSelectors(selectors: readonly TrafficSelector[]): WireSelectors {
  const local = selectors.flatMap((selector) => partsOf(selector, selector.localAddresses, selector.localPorts));
  const remote = selectors.flatMap((selector) => partsOf(selector, selector.remoteAddresses, selector.remotePorts));
  return { local: distinct(local), remote: distinct(remote) };
}

/**
 * The selector sets that negotiated payloads stand for, every local part with every remote part that it agrees with.
 * Parts of unknown type, parts with ports but without protocol and pairs that no packet matches stand for nothing, so
 * that the answer may be empty. Throws PolicyError when there would be more than MAXIMUM_SETS.
 */
export function fromWireSelectors({ local, remote }: WireSelectors): readonly TrafficSelector[] {
  const here = groupsOf(local);
  const there = groupsOf(remote);
  if (here.length * there.length > MAXIMUM_SETS) {
    const what = `${here.length} × ${there.length} traffic selectors are more than ${MAXIMUM_SETS}: use wider ones.`;
    throw new PolicyError('TOO_MANY_SELECTORS', 'selectors', what);
  }
  return here.flatMap((ours) =>
    there.flatMap((theirs): readonly TrafficSelector[] => {
      if (ours.protocol !== theirs.protocol && ours.protocol !== 'any' && theirs.protocol !== 'any') return [];
      const selector: TrafficSelector = {
        localAddresses: ours.addresses,
        remoteAddresses: theirs.addresses,
        protocol: ours.protocol === 'any' ? theirs.protocol : ours.protocol,
        localPorts: ours.ports,
        remotePorts: theirs.ports,
      };
      return canMatch(selector) ? [selector] : [];
    }),
  );
}

interface Group {
  readonly protocol: TrafficSelector['protocol'];
  readonly ports: PortSelector;
  readonly addresses: AddressRange[];
}

/** Parts that differ in their addresses only are one. */
function groupsOf(parts: readonly WireSelector[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const part of parts) {
    if (part.type !== 'range') continue;
    const { protocol, startPort, endPort, first, last } = part;
    const key = `${protocol} ${startPort} ${endPort}`;
    const group = groups.get(key) ?? {
      protocol: protocolOf(protocol),
      ports: portsOf(startPort, endPort),
      addresses: [],
    };
    group.addresses.push({ first, last });
    groups.set(key, group);
  }
  return [...groups.values()];
}

function partsOf(
  selector: TrafficSelector,
  addresses: readonly AddressRange[],
  ports: PortSelector,
): readonly WireSelector[] {
  const { protocol } = selector;
  const number = protocol === 'any' ? ANY_PROTOCOL : protocol === 'opaque' ? FRAGMENT_WITHOUT_PROTOCOL : protocol;
  const both = [...(familyOf(selector, 4) ? [ALL_V4] : []), ...(familyOf(selector, 6) ? [ALL_V6] : [])];
  const ranges =
    addresses.length === 0 ? both : addresses.filter(({ first }) => familyOf(selector, familyOfRange(first)));
  return ranges.flatMap(({ first, last }) =>
    portRanges(ports).map(
      ([startPort, endPort]): WireSelector => ({ type: 'range', protocol: number, startPort, endPort, first, last }),
    ),
  );
}

function portRanges(ports: PortSelector): readonly (readonly [number, number])[] {
  if (ports === 'opaque') return [OPAQUE_PORTS];
  return isAnyPort(ports) ? [ANY_PORTS] : ports.map(({ first, last }) => [first, last]);
}

function portsOf(start: number, end: number): PortSelector {
  if (start > end) return 'opaque';
  return start === ANY_PORTS[0] && end === ANY_PORTS[1] ? [] : [{ first: start, last: end }];
}

function protocolOf(number: number): TrafficSelector['protocol'] {
  if (number === ANY_PROTOCOL) return 'any';
  return number === FRAGMENT_WITHOUT_PROTOCOL ? 'opaque' : number;
}

function canMatch(selector: TrafficSelector): boolean {
  try {
    checkSelector(selector, '');
    return true;
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}

function distinct(parts: readonly WireSelector[]): readonly WireSelector[] {
  const byText = new Map(parts.map((part) => [JSON.stringify(part), part]));
  return [...byText.values()];
}

function familyOfRange(first: Uint8Array): 4 | 6 {
  return first.length === 4 ? 4 : 6;
}

const MAXIMUM_SETS = 1024;
const ANY_PROTOCOL = 0;
/** RFC 4301 appendix C: "FragmentNoNext ::= INTEGER (44)" has no next layer information. */
const FRAGMENT_WITHOUT_PROTOCOL = 44;
const ANY_PORTS = [0, 65535] as const;
const OPAQUE_PORTS = [65535, 0] as const;
const ALL_V4: AddressRange = { first: new Uint8Array(4), last: new Uint8Array(4).fill(255) };
const ALL_V6: AddressRange = { first: new Uint8Array(16), last: new Uint8Array(16).fill(255) };

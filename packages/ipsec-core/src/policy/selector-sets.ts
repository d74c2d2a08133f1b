import { readUint32 } from '../bytes/octets.js';
import type { AddressRange, Family } from '../wire/ip/address.js';
import type { Flow } from '../wire/ip/flow.js';
import { hasPorts, isMessageProtocol, OPAQUE_PORT, OPAQUE_PROTOCOL, PROTOCOL } from '../wire/ip/protocol.js';
import { SELECTOR_FIELD } from './security-policy.js';
import { isAnyPort, type PortRange, type PortSelector, type TrafficSelector } from './selector.js';

/** `hidden`: the fragment does not show what would decide. */
export type SelectorMatch = 'match' | 'mismatch' | 'hidden';

/** One selector set, laid out so that holding a flow to it allocates nothing. */
export class CompiledSelector {
  /** Bits of SELECTOR_FIELD: fields that hold one value only, or that the protocol does not have. */
  readonly single: number;
  /** hashFields of those single values. */
  readonly hash: number;
  readonly #local: AddressList;
  readonly #remote: AddressList;
  readonly #protocol: number;
  /** A message type: of the two port selectors only that of the packet's direction binds. */
  readonly #message: boolean;
  readonly #localPorts: PortSelector;
  readonly #remotePorts: PortSelector;

  constructor(selector: TrafficSelector) {
    const { protocol, localPorts, remotePorts } = selector;
    this.#local = new AddressList(selector.localAddresses);
    this.#remote = new AddressList(selector.remoteAddresses);
    this.#protocol = protocol === 'any' ? ANY : protocol === 'opaque' ? OPAQUE_PROTOCOL : protocol;
    this.#message = isMessageProtocol(this.#protocol);
    this.#localPorts = isAnyPort(localPorts) ? [] : localPorts;
    this.#remotePorts = isAnyPort(remotePorts) ? [] : remotePorts;
    const localPort = singlePort(protocol, localPorts);
    const remotePort = singlePort(protocol, remotePorts);
    this.single =
      (this.#local.single === undefined ? 0 : SELECTOR_FIELD.localAddress) |
      (this.#remote.single === undefined ? 0 : SELECTOR_FIELD.remoteAddress) |
      (this.#protocol === ANY ? 0 : SELECTOR_FIELD.protocol) |
      (localPort === undefined ? 0 : SELECTOR_FIELD.localPort) |
      (remotePort === undefined ? 0 : SELECTOR_FIELD.remotePort);
    this.hash = hashFields(
      this.single,
      this.#local.single ?? NO_ADDRESS,
      this.#remote.single ?? NO_ADDRESS,
      this.#protocol,
      localPort ?? 0,
      remotePort ?? 0,
    );
  }

  match(flow: Flow, inbound: boolean): SelectorMatch {
    if (!this.#local.contains(flow.family, inbound ? flow.destination : flow.source)) return 'mismatch';
    if (!this.#remote.contains(flow.family, inbound ? flow.source : flow.destination)) return 'mismatch';
    let hidden = false;
    if (this.#protocol !== ANY && this.#protocol !== flow.protocol) {
      if (flow.protocol !== OPAQUE_PROTOCOL) return 'mismatch';
      hidden = true;
    }
    for (let end = 0; end < 2; end++) {
      const local = end === 0;
      if (this.#message && local === inbound) continue;
      const value = local === inbound ? flow.destinationPort : flow.sourcePort;
      const answer = matchPort(local ? this.#localPorts : this.#remotePorts, value, flow.fragment === 'later');
      if (answer === 'mismatch') return 'mismatch';
      hidden ||= answer === 'hidden';
    }
    return hidden ? 'hidden' : 'match';
  }
}

/** The selector sets of an association; a packet must match one of them. */
export class SelectorSets {
  readonly selectors: readonly TrafficSelector[];
  readonly compiled: readonly CompiledSelector[];

  constructor(selectors: readonly TrafficSelector[]) {
    this.selectors = selectors;
    this.compiled = selectors.map((selector) => new CompiledSelector(selector));
  }

  match(flow: Flow, inbound: boolean): SelectorMatch {
    let best: SelectorMatch = 'mismatch';
    for (let i = 0; i < this.compiled.length; i++) {
      const answer = this.compiled[i]?.match(flow, inbound) ?? 'mismatch';
      if (answer === 'match') return answer;
      if (answer === 'hidden') best = answer;
    }
    return best;
  }
}

/** A small integer of the fields in `fields` (bits of SELECTOR_FIELD) of an outbound packet. */
export function hashFlow(flow: Flow, fields: number): number {
  return hashFields(fields, flow.source, flow.destination, flow.protocol, flow.sourcePort, flow.destinationPort);
}

/** Whether two outbound packets agree in the fields (bits of SELECTOR_FIELD). */
export function sameFields(one: Flow, other: Flow, fields: number): boolean {
  if ((fields & ADDRESSES) !== 0 && one.family !== other.family) return false;
  for (let word = 0; word < 4; word++) {
    if ((fields & SELECTOR_FIELD.localAddress) !== 0 && one.source[word] !== other.source[word]) return false;
    if ((fields & SELECTOR_FIELD.remoteAddress) !== 0 && one.destination[word] !== other.destination[word])
      return false;
  }
  if ((fields & SELECTOR_FIELD.protocol) !== 0 && one.protocol !== other.protocol) return false;
  if ((fields & SELECTOR_FIELD.localPort) !== 0 && one.sourcePort !== other.sourcePort) return false;
  return (fields & SELECTOR_FIELD.remotePort) === 0 || one.destinationPort === other.destinationPort;
}

function hashFields(
  fields: number,
  local: Uint32Array,
  remote: Uint32Array,
  protocol: number,
  localPort: number,
  remotePort: number,
): number {
  let hash = fields;
  if ((fields & SELECTOR_FIELD.localAddress) !== 0) hash = mixAddress(hash, local);
  if ((fields & SELECTOR_FIELD.remoteAddress) !== 0) hash = mixAddress(hash, remote);
  if ((fields & SELECTOR_FIELD.protocol) !== 0) hash = mix(hash, protocol);
  const ported = hasPorts(protocol) || isMessageProtocol(protocol);
  if (ported && (fields & SELECTOR_FIELD.localPort) !== 0) hash = mix(hash, localPort);
  // An outbound message type is held to the local selector only.
  if (hasPorts(protocol) && (fields & SELECTOR_FIELD.remotePort) !== 0) hash = mix(hash, remotePort);
  // 30 bits: V8 keeps such a number without allocating.
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}

function mixAddress(hash: number, words: Uint32Array): number {
  let mixed = hash;
  for (let word = 0; word < 4; word++) mixed = mix(mixed, words[word] ?? 0);
  return mixed;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

function matchPort(ports: PortSelector, value: number, fragment: boolean): SelectorMatch {
  if (ports === 'opaque') return value === OPAQUE_PORT ? 'match' : 'mismatch';
  if (ports.length === 0) return 'match';
  if (value === OPAQUE_PORT) return fragment ? 'hidden' : 'mismatch';
  for (let i = 0; i < ports.length; i++) {
    const range = ports[i];
    if (range !== undefined && range.first <= value && value <= range.last) return 'match';
  }
  return 'mismatch';
}

/** The value of a port selector that has one only; any number where the protocol has no ports; else undefined. */
function singlePort(protocol: TrafficSelector['protocol'], ports: PortSelector): number | undefined {
  if (typeof protocol !== 'number') return undefined;
  if (!hasPorts(protocol) && !isMessageProtocol(protocol)) return 0;
  if (ports === 'opaque' || ports.length !== 1) return undefined;
  const { first, last } = ports[0] as PortRange;
  if (protocol !== PROTOCOL.mobility) return first === last ? first : undefined;
  const type = Math.ceil(first / 256);
  return type === last >>> 8 ? type * 256 : undefined;
}

/** Address ranges of both families as words; empty is any. */
class AddressList {
  /** The one address that is contained, if so. */
  readonly single: Uint32Array | undefined;
  readonly #any: boolean;
  readonly #v4: Uint32Array;
  readonly #v6: Uint32Array;

  constructor(ranges: readonly AddressRange[]) {
    this.#any = ranges.length === 0;
    const bounds = (octets: number) =>
      Uint32Array.from(
        ranges
          .filter(({ first }) => first.length === octets)
          .flatMap(({ first, last }) => [...words(first), ...words(last)]),
      );
    this.#v4 = bounds(4);
    this.#v6 = bounds(16);
    const [only, ...more] = ranges;
    const isSingle = only !== undefined && more.length === 0 && only.first.every((octet, i) => octet === only.last[i]);
    this.single = isSingle ? words(only.first) : undefined;
  }

  contains(family: Family, address: Uint32Array): boolean {
    if (this.#any) return true;
    const bounds = family === 4 ? this.#v4 : this.#v6;
    for (let at = 0; at < bounds.length; at += 8) {
      if (compareAt(bounds, at, address) <= 0 && compareAt(bounds, at + 4, address) >= 0) return true;
    }
    return false;
  }
}

function compareAt(bounds: Uint32Array, at: number, address: Uint32Array): number {
  for (let word = 0; word < 4; word++) {
    const difference = (bounds[at + word] ?? 0) - (address[word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** As in a Flow: four words, IPv4 in the first one. */
function words(octets: Uint8Array): Uint32Array {
  const made = new Uint32Array(4);
  for (let word = 0; word < octets.length / 4; word++) made[word] = readUint32(octets, 4 * word);
  return made;
}

const ADDRESSES = SELECTOR_FIELD.localAddress | SELECTOR_FIELD.remoteAddress;
const ANY = -1;
const NO_ADDRESS = new Uint32Array(4);

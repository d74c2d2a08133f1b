import { type AddressSet, addressesOf, ownersIn } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import type { NumericRange } from '../address/range-set.js';
import { formatAddressText } from '../address/text.js';
import { membersOf } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { RuleAction } from '../intent.js';
import type { ResolvedService } from '../services.js';
import type { ExplainedEntry } from './explain-packet.js';

/** An SPD entry in words: addresses as prefixes and ranges, services as people say them. */
export interface WrittenEntry {
  readonly edgeId: string;
  /** Position in the SPD of the edge, from 1. */
  readonly position: number;
  readonly ruleId: string;
  readonly action: RuleAction;
  /** Whether the local side opens such flows, or answers them: then the ports are its own. */
  readonly direction: 'opens' | 'answers';
  /** 'site': every network behind the edge. */
  readonly local: WrittenAddresses | 'site';
  readonly remote: WrittenAddresses;
  /** "tcp 443", "udp 5000-5010", "any". */
  readonly services: readonly string[];
}

/** The first of the addresses, and how many more prefixes and ranges there are. */
export interface WrittenAddresses {
  readonly ranges: readonly string[];
  readonly more: number;
}

export function writtenEntry({ edgeId, entry, position }: ExplainedEntry, fabric: CompiledFabric): WrittenEntry {
  const { ruleId, action, direction, local, remote, services } = entry;
  const all = FAMILIES.flatMap((family) => services[family].map(writtenService));
  return {
    edgeId,
    position,
    ruleId,
    action,
    direction,
    local: local === 'site' ? local : writtenAddresses(local, fabric),
    remote: writtenAddresses(remote, fabric),
    services: [...new Set(all)],
  };
}

function writtenAddresses(set: AddressSet, { plan }: CompiledFabric): WrittenAddresses {
  const { ownership } = plan.topology;
  const held = [...membersOf(ownersIn(set))].map((owner) => addressesOf(set, owner, ownership));
  const ranges = FAMILIES.flatMap((family) =>
    held.flatMap((part) => part[family].map((range) => writtenRange(range, family))),
  );
  return { ranges: ranges.slice(0, MAXIMUM_RANGES), more: Math.max(0, ranges.length - MAXIMUM_RANGES) };
}

/** A prefix where it is one, else both ends. */
function writtenRange({ first, last }: NumericRange, family: Family): string {
  const text = (value: bigint) => formatAddressText({ family, value });
  const size = last - first + 1n;
  const bits = size.toString(2).length - 1;
  const isPrefix = size === 1n << BigInt(bits) && first % size === 0n;
  return isPrefix ? `${text(first)}/${(family === 4 ? 32 : 128) - bits}` : `${text(first)}-${text(last)}`;
}

function writtenService({ protocol, ports }: ResolvedService): string {
  const name = protocol === 'any' ? 'any' : (NAMES[protocol] ?? `protocol ${protocol}`);
  const written = ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return [name, written.join(', ')].filter((part) => part !== '').join(' ');
}

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };
const MAXIMUM_RANGES = 20;

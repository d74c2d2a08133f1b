import { type AddressSet, rangesKey } from '../address/address-set.js';
import { FAMILIES } from '../address/family.js';
import type { RuleAction } from '../intent.js';
import type { ServicesByFamily } from '../resolved-rule.js';
import { OctetWriter } from './octet-writer.js';

/**
 * One SPD entry, written from the local side, that many edges share. It says whose addresses it is about, not through
 * which tunnel they are reached: the tunnel of a PROTECT entry is the one with the peer that carries the remote address
 * (RFC 4301 section 4.4.1.1, "populate from packet"), which is another one at each edge and for each remote site.
 */
export interface SpdEntry {
  readonly ruleId: string;
  readonly action: RuleAction;
  readonly profileId: string;
  /** `site`: all networks of the site of the edge that has the entry. */
  readonly local: AddressSet | 'site';
  /** May name the own site too: a packet to it has no peer, and is discarded. */
  readonly remote: AddressSet;
  /** Ports are those of the destination of the flow: remote when the local side opens it, local when it answers. */
  readonly services: ServicesByFamily;
  readonly direction: 'opens' | 'answers';
}

/** SHA-256 of an entry. */
export function digestOfEntry(entry: SpdEntry): Uint8Array {
  const known = entryDigests.get(entry);
  if (known !== undefined) return known;
  const writer = new OctetWriter();
  writeEntry(writer, entry);
  const digest = writer.hash();
  entryDigests.set(entry, digest);
  return digest;
}

/** Writes an entry so that different entries give different octets. */
export function writeEntry(writer: OctetWriter, entry: SpdEntry): void {
  writer.text(entry.ruleId).text(entry.action).text(entry.profileId).text(entry.direction);
  if (entry.local === 'site') writer.number(0);
  else writer.number(1).digest(digestOfSet(entry.local));
  writer.digest(digestOfSet(entry.remote));
  for (const family of FAMILIES) {
    const services = entry.services[family];
    writer.number(services.length);
    for (const { protocol, ports } of services) {
      writer.number(protocol === 'any' ? 256 : protocol).number(ports.length);
      for (const { first, last } of ports) writer.number(first).number(last);
    }
  }
}

/** Writes a set of addresses by the numbers of their owners. */
export function writeSet(writer: OctetWriter, set: AddressSet): void {
  writer.bits(set.present[4]).bits(set.present[6]).number(set.partial.size);
  for (const [owner, ranges] of set.partial) writer.number(owner).text(rangesKey(ranges));
}

export function digestOfSet(set: AddressSet): Uint8Array {
  const known = setDigests.get(set);
  if (known !== undefined) return known;
  const writer = new OctetWriter();
  writeSet(writer, set);
  const digest = writer.hash();
  setDigests.set(set, digest);
  return digest;
}

/** Digests are asked for by every bundle that names an entry or a set; neither ever changes. */
const entryDigests = new WeakMap<SpdEntry, Uint8Array>();
const setDigests = new WeakMap<AddressSet, Uint8Array>();

import { parseAddressText } from '@weft/fabric-compiler';
import { type DomainError, refusal } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { OverlappingNetwork } from './networks.repository.js';

/** `other` is undefined when it was removed in the meantime. */
export function overlappingNetwork(network: PlacedNetwork, other: OverlappingNetwork | undefined): DomainError {
  const named = other
    ? `${other.prefix}, the network "${other.name}" of the site "${other.siteName}"`
    : 'a network that was removed in the meantime';
  return refusal('conflict', {
    pointer: network.mappedPrefix == null ? '/prefix' : '/mappedPrefix',
    rule: 'overlapping_networks',
    detail: `${network.mappedPrefix ?? network.prefix}, the network "${network.name}", overlaps ${named}`,
    fix: 'Give a prefix that no other network of this tenant overlaps; where two sites use the same one, give each a mapped prefix (mappedPrefix).',
  });
}

/** A mapped prefix that is none for the network. */
export function unfitMapping(rule: UnfitMapping, network: PlacedNetwork, pointer = '/mappedPrefix'): ProblemEntry {
  const { what, fix } = UNFIT[rule];
  return {
    pointer,
    rule,
    detail: `The network "${network.name}" (${network.prefix}) cannot be mapped 1:1 to ${network.mappedPrefix}, which ${what}`,
    fix,
  };
}

/** What the constraints of the table would say of a network that has both prefixes. */
export function unfitMappingOf({ prefix, mappedPrefix }: PlacedNetwork): UnfitMapping | undefined {
  if (mappedPrefix == null) return undefined;
  const [own, mapped] = [partsOf(prefix), partsOf(mappedPrefix)];
  if (own.family !== mapped.family || own.length !== mapped.length) return 'mapping_length';
  // Of one length, two prefixes are one or have nothing in common.
  return own.value === mapped.value ? 'ambiguous_network' : undefined;
}

/** Of a prefix that the schema has let pass. */
function partsOf(prefix: string) {
  const [address = '', length] = prefix.split('/');
  return { ...parseAddressText(address), length };
}

export type UnfitMapping = 'mapping_length' | 'ambiguous_network';

/** A network, stored or to be stored, and where it is to be on the fabric. */
export interface PlacedNetwork {
  readonly name: string;
  readonly prefix: string;
  readonly mappedPrefix?: string | null | undefined;
}

const UNFIT: Readonly<Record<UnfitMapping, { readonly what: string; readonly fix: string }>> = {
  mapping_length: {
    what: 'has not as many addresses',
    fix: 'Map it to a prefix of the same IP version and the same length.',
  },
  ambiguous_network: { what: 'overlaps it', fix: 'Map it to a prefix that no network has, or leave it as it is.' },
};

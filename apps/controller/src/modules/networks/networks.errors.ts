import { type DomainError, refusal } from '../../platform/http/domain-error.js';
import type { CreateNetwork } from './network.dto.js';
import type { OverlappingNetwork } from './networks.repository.js';

/** `other` is undefined when it was removed in the meantime. */
export function overlappingNetwork(network: CreateNetwork, other: OverlappingNetwork | undefined): DomainError {
  const named = other
    ? `${other.prefix}, the network "${other.name}" of the site "${other.siteName}"`
    : 'a network that was removed in the meantime';
  return refusal('conflict', {
    pointer: '/prefix',
    rule: 'overlapping_networks',
    detail: `${network.prefix}, the network "${network.name}", overlaps ${named}`,
    fix: 'Give a prefix that no other network of this tenant overlaps.',
  });
}

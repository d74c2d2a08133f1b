import { DomainError } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { Configuration } from './configuration.dto.js';
import type { OverlappingPair } from './configuration.repository.js';

export function notImportable(entries: readonly ProblemEntry[]): DomainError {
  const count = entries.length === 1 ? 'One value breaks its rule' : `${entries.length} values break their rules`;
  return new DomainError(
    'invalid',
    'not_importable',
    `${count}; see errors. Nothing was changed.`,
    entries.slice(0, MAX_ENTRIES),
  );
}

export function overlappingNetworks(
  { networks = [] }: Pick<Configuration, 'networks'>,
  pair: OverlappingPair,
): DomainError {
  const { name, siteName, prefix, otherName, otherSiteName, otherPrefix } = pair;
  const places = [
    networks.findIndex((network) => network.name === otherName && network.site === otherSiteName),
    networks.findIndex((network) => network.name === name && network.site === siteName),
  ];
  const place = places.find((index) => index >= 0);
  return notImportable([
    {
      pointer: place === undefined ? '/networks' : `/networks/${place}/prefix`,
      rule: 'overlapping_networks',
      detail: `${otherPrefix}, the network "${otherName}" of the site "${otherSiteName}", would overlap ${prefix}, the network "${name}" of the site "${siteName}"`,
      fix: 'Give prefixes that do not overlap; where two sites use the same one, give each a mapped prefix (mappedPrefix).',
    },
  ]);
}

/** Somebody has made or removed, at the same moment, what the document is about. */
export function changedWhileImporting(): DomainError {
  const detail = 'Somebody changed the configuration while the document was imported. Nothing of it was; try again.';
  return new DomainError('conflict', 'changed_while_importing', detail);
}

export function danglingTests(names: readonly string[]): DomainError {
  const entries = names.slice(0, MAX_ENTRIES).map((name) => ({
    pointer: '',
    rule: 'dangling_policy_test',
    detail: `The policy test "${name}" names something that was removed`,
    fix: 'Correct the test, or remove it.',
  }));
  return new DomainError(
    'conflict',
    'dangling_policy_test',
    'Something in this tenant has no name any more; see errors.',
    entries,
  );
}

const MAX_ENTRIES = 100;

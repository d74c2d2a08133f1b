import { isDeepStrictEqual } from 'node:util';
import { compileFabric, type EdgeBundle, type FabricIntent } from '@weft/fabric-compiler';
import type { AffectedEdge } from './revision.dto.js';

/** Edges whose bundle a publish would change: those of either intent, by name. `before` is undefined for the first. */
export function affectedEdges(
  before: FabricIntent | undefined,
  after: FabricIntent,
  bundles: ReadonlyMap<string, EdgeBundle>,
): AffectedEdge[] {
  const previous = bundlesOf(before);
  const names = new Map([...(before?.edges ?? []), ...after.edges].map(({ id, name }) => [id, name]));
  return [...new Set([...previous.keys(), ...bundles.keys()])]
    .flatMap((edgeId) => {
      const change = changeOf(previous.get(edgeId), bundles.get(edgeId));
      return change === undefined ? [] : [{ edgeId, edgeName: names.get(edgeId) ?? edgeId, change }];
    })
    .sort((left, right) => left.edgeName.localeCompare(right.edgeName, 'en'));
}

/** A published intent compiled when it was published; should a later compiler refuse it, every edge counts as new. */
function bundlesOf(intent: FabricIntent | undefined): ReadonlyMap<string, EdgeBundle> {
  const result = intent === undefined ? undefined : compileFabric(intent);
  return result?.ok ? result.bundles : new Map();
}

function changeOf(before: EdgeBundle | undefined, after: EdgeBundle | undefined): AffectedEdge['change'] | undefined {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  return isDeepStrictEqual(before, after) ? undefined : 'changed';
}

import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { Configuration, ConfiguredEdge } from './configuration.dto.js';
import type { CurrentConfiguration } from './current-configuration.js';

/** Gives every edge of the document its preference: the one that it has, and to new ones those behind all others of the site. */
export function withPreferences<Document extends Pick<Configuration, 'edges'>>(
  current: CurrentConfiguration,
  document: Document,
): Document {
  if (document.edges === undefined) return document;
  const known = new Map(current.edges.map(({ item }) => [item.name, item.preference]));
  const given = document.edges.map((edge) => ({ ...edge, preference: edge.preference ?? known.get(edge.name) }));
  const last = new Map<string, number>();
  for (const { site, preference = 0 } of [...current.edges.map(({ item }) => item), ...given]) {
    last.set(site, Math.max(last.get(site) ?? 0, preference));
  }
  const edges = given.map(({ preference, ...edge }): ConfiguredEdge => {
    if (preference !== undefined) return { ...edge, preference };
    const next = (last.get(edge.site) ?? 0) + 1;
    last.set(edge.site, next);
    return { ...edge, preference: next };
  });
  return { ...document, edges };
}

/** Two edges of a site that would come at the same place, and places that there are not. `edges`: all, as they would be. */
export function preferenceProblems(
  { edges: named = [] }: Pick<Configuration, 'edges'>,
  edges: readonly ConfiguredEdge[],
): ProblemEntry[] {
  return named.flatMap((edge, index) => {
    const { name, site, preference = 1 } = edge;
    const pointer = `/edges/${index}/preference`;
    if (preference > MAX_PREFERENCE) {
      const detail = `There is no place behind the other edges of the site "${site}"`;
      return [
        { pointer, rule: 'too_big', detail, fix: `Give the edges of the site preferences up to ${MAX_PREFERENCE}.` },
      ];
    }
    const other = edges.find((one) => one.site === site && one.preference === preference && one.name !== name);
    if (other === undefined) return [];
    const detail = `The edge "${other.name}" of the site "${site}" would have the preference ${preference}, too`;
    return [{ pointer, rule: 'preference_taken', detail, fix: 'Give each edge of a site a preference of its own.' }];
  });
}

const MAX_PREFERENCE = 255;

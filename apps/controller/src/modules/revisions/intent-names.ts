import type { FabricIntent } from '@weft/fabric-compiler';
import type { IntentChange, NamedEnd } from './revision-diff.dto.js';

/**
 * What the identifiers in changed fields stand for, of what is there afterwards or was before: whoever reads a difference cannot look up
 * what has been removed since.
 */
export function namesIn(
  changes: readonly IntentChange[],
  before: FabricIntent | undefined,
  after: FabricIntent,
): NamedEnd[] {
  const known = new Map([...(before === undefined ? [] : namesOf(before)), ...namesOf(after)]);
  const found = new Set<string>();
  for (const { fields } of changes) {
    for (const field of fields) for (const text of [...texts(field.before), ...texts(field.after)]) found.add(text);
  }
  return [...found].flatMap((id) => {
    const name = known.get(id);
    return name === undefined ? [] : [{ id, name }];
  });
}

/** Of everything that something else can name. A network has its name within its site. */
function namesOf(intent: FabricIntent): readonly (readonly [id: string, name: string])[] {
  const { sites, networks, edges, policies } = intent;
  const { addressPools = [], externalPeers = [], groups = [], services = [], profiles = [] } = intent;
  const named = [
    ...sites,
    ...edges,
    ...addressPools,
    ...externalPeers,
    ...groups,
    ...services,
    ...profiles,
    ...policies,
  ];
  const siteNames = new Map(sites.map(({ id, name }) => [id, name]));
  return [
    ...named.map(({ id, name }) => [id, name] as const),
    ...networks.map(({ id, siteId, name }) => [id, `${siteNames.get(siteId) ?? siteId}/${name}`] as const),
  ];
}

/** Every text in a value. */
function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

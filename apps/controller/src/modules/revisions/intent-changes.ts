import { isDeepStrictEqual } from 'node:util';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { IntentChange } from './revision-diff.dto.js';

/** What people changed between two intents, object by object; `before` is undefined when nothing was published. */
export function intentChanges(before: FabricIntent | undefined, after: FabricIntent): IntentChange[] {
  const [old, now] = [before === undefined ? [] : objectsOf(before), objectsOf(after)];
  const [known, kept] = [byKey(old), byKey(now)];
  const added = now.flatMap((object): IntentChange[] => {
    const was = known.get(keyOf(object));
    const fields = fieldChanges(was?.fields ?? {}, object.fields);
    if (was === undefined) return [{ change: 'added', ...named(object), fields }];
    return fields.length === 0 ? [] : [{ change: 'changed', ...named(object), fields }];
  });
  const removed = old
    .filter((object) => !kept.has(keyOf(object)))
    .map((object): IntentChange => ({ change: 'removed', ...named(object), fields: fieldChanges(object.fields, {}) }));
  return [...added, ...removed];
}

interface IntentObject {
  readonly noun: IntentChange['noun'];
  readonly id: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** In the order in which a reader looks for them. */
function objectsOf(intent: FabricIntent): readonly IntentObject[] {
  const { tenantId, keyingMode, encapsulation, securityProtocol, mode, tunnelStart, defaultProfileId, topology } =
    intent;
  const fields = defined({
    keyingMode,
    encapsulation,
    securityProtocol,
    mode,
    tunnelStart,
    defaultProfileId,
    topology,
  });
  return [
    { noun: 'tenant', id: tenantId, name: 'tenant', fields },
    ...intent.sites.map((site) => objectOf('site', site)),
    ...intent.networks.map((network) => objectOf('network', network)),
    ...intent.edges.map((edge) => objectOf('edge', edge)),
    ...(intent.addressPools ?? []).map((pool) => objectOf('address_pool', pool)),
    ...(intent.externalPeers ?? []).map((peer) => objectOf('external_peer', peer)),
    ...(intent.groups ?? []).map((group) => objectOf('group', group)),
    ...(intent.services ?? []).map((service) => objectOf('service', service)),
    ...(intent.profiles ?? []).map((profile) => objectOf('profile', profile)),
    ...intent.policies.flatMap((policy, position) => {
      const { rules, ...rest } = policy;
      return [
        objectOf('policy', { ...rest, position: position + 1 }),
        ...rules.map((rule, place) => objectOf('rule', { ...rule, policyId: policy.id, position: place + 1 })),
      ];
    }),
    ...(intent.policyTests ?? []).map((test) => objectOf('policy_test', test)),
  ];
}

function objectOf<Item extends { readonly id: string; readonly name: string }>(
  noun: IntentObject['noun'],
  { id, ...fields }: Item,
): IntentObject {
  return { noun, id, name: fields.name, fields: defined(fields) };
}

function fieldChanges(before: IntentObject['fields'], after: IntentObject['fields']): IntentChange['fields'] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field) => {
    const [was, is] = [before[field], after[field]];
    return isDeepStrictEqual(was, is) ? [] : [{ field, before: was ?? null, after: is ?? null }];
  });
}

function defined(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function byKey(objects: readonly IntentObject[]): ReadonlyMap<string, IntentObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

function keyOf({ noun, id }: IntentObject): string {
  return `${noun}/${id}`;
}

function named({ noun, id, name }: IntentObject) {
  return { noun, id, name };
}

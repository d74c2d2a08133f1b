import type { IntentChange, RevisionDiff, Selector, Service } from '../../api/index.js';
import { describeService } from '../policies/describe.js';
import { espText, intendedIkeText, PRODUCT_NAME } from '../profiles/wording.js';
import { topologyWords } from './topology-words.js';

/** What became of one field: a sentence, or what it was and is. */
export type FieldWords =
  | { readonly label: string; readonly sentence: string }
  | { readonly label: string; readonly before: string; readonly after: string };

type NameOf = (id: string) => string;
type Field = IntentChange['fields'][number];

/** What identifiers stand for in a difference; one that nobody knows stays what it is. */
export function namesOf({ names }: Pick<RevisionDiff, 'names'>): NameOf {
  const known = new Map(names.map(({ id, name }) => [id, name]));
  return (id) => known.get(id) ?? id;
}

/** What became of a field of something, with the names of what it refers to. */
export function fieldWords(noun: IntentChange['noun'], field: Field, nameOf: NameOf): readonly FieldWords[] {
  const { before, after } = field;
  if (noun === 'tenant' && field.field === 'topology') {
    const lines = topologyWords(before as Topology, after as Topology, nameOf);
    return lines.map((sentence) => ({ label: 'topology', sentence }));
  }
  const words = (value: unknown) => parameterWords(noun, field.field, value) ?? valueWords(value, nameOf);
  return [{ label: LABELS.get(field.field) ?? field.field, before: words(before), after: words(after) }];
}

/** A field's value on one line. */
export function valueWords(value: unknown, nameOf: NameOf): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return nameOf(value);
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : value.map((each) => valueWords(each, nameOf)).join(', ');
  if (typeof value !== 'object') return String(value);
  if ('kind' in value) return selectorWords(value as Choosing, nameOf);
  if ('protocol' in value && 'ports' in value) return describeService(value as Service);
  if ('addressPoolId' in value && 'address' in value) {
    return `${value.address} of ${nameOf(String(value.addressPoolId))}`;
  }
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? nameOf(part) : part));
}

/** Fields that are said in words of their own; undefined: in those of any. */
function parameterWords(noun: IntentChange['noun'], field: string, value: unknown): string | undefined {
  if (field === 'profileId' && value === null) return 'the default';
  if (field === 'defaultProfileId' && value === null) return PRODUCT_NAME;
  if (noun === 'external_peer' && field === 'kind') return value === 'remote_host' ? 'remote host' : 'gateway';
  if (noun !== 'profile' || value === null) return undefined;
  if (field === 'esp') return espText(value as Parameters<typeof espText>[0]);
  return field === 'ike' ? intendedIkeText(value as Parameters<typeof intendedIkeText>[0]) : undefined;
}

type Labels = { readonly kind: 'site_labels' | 'network_labels'; readonly labels: Readonly<Record<string, string>> };
type Choosing = Selector | Labels;

function selectorWords(selector: Choosing, nameOf: NameOf): string {
  switch (selector.kind) {
    case 'any':
      return 'any';
    case 'site':
      return nameOf(selector.siteId);
    case 'network':
      return nameOf(selector.networkId);
    case 'prefix':
      return selector.prefix;
    case 'address_pool':
      return nameOf(selector.addressPoolId);
    case 'external_peer':
      return nameOf(selector.externalPeerId);
    case 'group':
      return nameOf(selector.groupId);
    case 'site_labels':
    case 'network_labels': {
      const labels = Object.entries(selector.labels).map(([key, value]) => `${key}=${value}`);
      return `${selector.kind === 'site_labels' ? 'sites' : 'networks'} with ${labels.join(' and ')}`;
    }
  }
}

type Topology = Parameters<typeof topologyWords>[0];

/** What people call fields that are called after identifiers. */
const LABELS = new Map([
  ['profileId', 'profile'],
  ['defaultProfileId', 'default profile'],
  ['serviceIds', 'named services'],
  ['siteId', 'site'],
  ['policyId', 'policy'],
  ['nameServers', 'name servers'],
  ['assigned', 'assigned addresses'],
]);

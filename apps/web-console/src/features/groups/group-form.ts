import type { Failure, Group, GroupInput } from '../../api/index.js';
import { labelsText, readLabels } from '../../lib/labels.js';
import type { GroupMember } from './describe.js';

/** A group as the form has it: its members by kind. */
export interface GroupValues {
  readonly name: string;
  readonly description: string;
  readonly sites: string[];
  readonly networks: string[];
  readonly externalPeers: string[];
  /** One on each line. */
  readonly prefixes: string;
  /** The labels of one member on each line. */
  readonly siteLabels: string;
  readonly networkLabels: string;
}

const FIELDS: Readonly<Record<GroupMember['kind'], keyof GroupValues>> = {
  site: 'sites',
  network: 'networks',
  external_peer: 'externalPeers',
  prefix: 'prefixes',
  site_labels: 'siteLabels',
  network_labels: 'networkLabels',
};

/** Of a group to change, or of a new one. */
export function groupValues(group: Group | undefined): GroupValues {
  const members = group?.members ?? [];
  const of = <Text>(textOf: (member: GroupMember) => Text | undefined): Text[] =>
    members.flatMap((member) => textOf(member) ?? []);
  return {
    name: group?.name ?? '',
    description: group?.description ?? '',
    sites: of((member) => (member.kind === 'site' ? member.siteId : undefined)),
    networks: of((member) => (member.kind === 'network' ? member.networkId : undefined)),
    externalPeers: of((member) => (member.kind === 'external_peer' ? member.externalPeerId : undefined)),
    prefixes: of((member) => (member.kind === 'prefix' ? member.prefix : undefined)).join('\n'),
    siteLabels: of((member) => (member.kind === 'site_labels' ? labelsText(member.labels) : undefined)).join('\n'),
    networkLabels: of((member) => (member.kind === 'network_labels' ? labelsText(member.labels) : undefined)).join(
      '\n',
    ),
  };
}

/** What the controller is asked for, or which fields are not written as they are read. */
export function readGroup(
  values: GroupValues,
): { readonly body: GroupInput } | { readonly problems: Readonly<Record<string, string>> } {
  const problems: Record<string, string> = {};
  const labelled = (kind: 'site_labels' | 'network_labels', text: string): GroupMember[] =>
    linesOf(text).flatMap((line) => {
      const read = readLabels(line);
      if ('labels' in read) return [{ kind, labels: { ...read.labels } }];
      problems[FIELDS[kind]] = read.problem;
      return [];
    });
  const members: GroupMember[] = [
    ...values.sites.map((siteId): GroupMember => ({ kind: 'site', siteId })),
    ...values.networks.map((networkId): GroupMember => ({ kind: 'network', networkId })),
    ...values.externalPeers.map((externalPeerId): GroupMember => ({ kind: 'external_peer', externalPeerId })),
    ...values.prefixes
      .split(/[\s,]+/)
      .filter((prefix) => prefix !== '')
      .map((prefix): GroupMember => ({ kind: 'prefix', prefix })),
    ...labelled('site_labels', values.siteLabels),
    ...labelled('network_labels', values.networkLabels),
  ];
  if (Object.keys(problems).length > 0) return { problems };
  return { body: { name: values.name.trim(), description: values.description, members } };
}

/** The refusal, with what it says about a member at the field that has members of that kind. */
export function atFields(failure: Failure, members: readonly GroupMember[]): Failure {
  const errors = failure.errors.map((entry) => {
    const member = members[Number(/^\/members\/(\d+)(?:\/|$)/.exec(entry.pointer)?.[1] ?? Number.NaN)];
    return member === undefined ? entry : { ...entry, pointer: `/${FIELDS[member.kind]}` };
  });
  return { ...failure, errors };
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

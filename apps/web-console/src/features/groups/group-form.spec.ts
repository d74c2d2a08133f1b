import { describe, expect, it } from 'vitest';
import type { Group } from '../../api/index.js';
import type { GroupMember } from './describe.js';
import { atFields, groupValues, readGroup } from './group-form.js';

const members: GroupMember[] = [
  { kind: 'site', siteId: 's' },
  { kind: 'network', networkId: 'n' },
  { kind: 'external_peer', externalPeerId: 'p' },
  { kind: 'prefix', prefix: '10.1.0.0/16' },
  { kind: 'prefix', prefix: '2001:db8::/32' },
  { kind: 'site_labels', labels: { region: 'emea', role: 'branch' } },
  { kind: 'network_labels', labels: { use: 'office' } },
];
const group: Group = {
  id: 'g',
  name: 'branches',
  description: 'All of them',
  members,
  version: 3,
  createdAt: '',
  updatedAt: '',
};

describe('the form of a group', () => {
  it('loses no member, whatever its kind', () => {
    const { name, description } = group;
    expect(readGroup(groupValues(group))).toEqual({ body: { name, description, members } });
    expect(readGroup({ ...groupValues(undefined), name: ' new ' })).toEqual({
      body: { name: 'new', description: '', members: [] },
    });
  });

  it('has the labels of one member on each line', () => {
    const values = { ...groupValues(undefined), siteLabels: 'role=branch, region=emea\n\nrole=hub\n' };
    expect(readGroup(values)).toMatchObject({
      body: {
        members: [
          { kind: 'site_labels', labels: { role: 'branch', region: 'emea' } },
          { kind: 'site_labels', labels: { role: 'hub' } },
        ],
      },
    });
  });

  it('says at its field what is no label', () => {
    const values = { ...groupValues(group), siteLabels: 'role=branch\nhub', networkLabels: 'a=1, a=2' };
    expect(readGroup(values)).toEqual({
      problems: {
        siteLabels: expect.stringContaining('“hub” is no label'),
        networkLabels: expect.stringContaining('twice'),
      },
    });
  });

  it('has what the controller says about a member at the field of its kind', () => {
    const entry = (pointer: string) => ({ pointer, rule: 'r', detail: 'd', fix: 'f' });
    const pointers = ['/members/4/prefix', '/members/5/labels/role', '/members/2', '/members/44', '/members', '/name'];
    const failure = { title: 't', detail: 'd', status: 422, requestId: null, errors: pointers.map(entry) };
    expect(atFields(failure, members).errors.map(({ pointer }) => pointer)).toEqual([
      '/prefixes',
      '/siteLabels',
      '/externalPeers',
      '/members/44',
      '/members',
      '/name',
    ]);
  });
});

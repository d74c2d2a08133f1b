import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Group, Policy } from '../../../api/index.js';
import { compareNames, matchesFilter } from '../../../lib/compare.js';
import { plural } from '../../../lib/format-quantity.js';
import { FilterInput } from '../../../ui/FilterInput.js';
import { DeleteIcon, EditIcon, MoreIcon } from '../../../ui/icons.js';
import { carriersOf, describeMember, type MemberNames, rulesNaming } from '../describe.js';

/** What a row asks its page to open. */
export interface GroupAction {
  readonly kind: 'edit' | 'delete';
  readonly group: Group;
}

interface GroupTableProps {
  readonly groups: readonly Group[];
  readonly policies: readonly Policy[];
  readonly names: MemberNames;
  readonly onAction: (action: GroupAction) => void;
}

/** Groups with what is in them, and the rules that name them. */
export function GroupTable({ groups, policies, names, onAction }: GroupTableProps): ReactNode {
  const [filter, setFilter] = useState('');
  const rows = groups
    .map((group) => ({ group, rules: rulesNaming(group.id, policies) }))
    .filter(({ group: { name, description, members }, rules }) =>
      matchesFilter(filter, [name, description, ...members.map((member) => describeMember(member, names)), ...rules]),
    )
    .sort((a, b) => compareNames(a.group.name, b.group.name));
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, member or rule" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No group matches. Clear the filter to see all {groups.length}.</p>
      ) : (
        <table className="w-table">
          <thead>
            <tr>
              <th>Group</th>
              <th>Members</th>
              <th>Named by</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ group, rules }) => (
              <tr key={group.id} data-group={group.name}>
                <td>
                  <div className="w-strong">{group.name}</div>
                  {group.description !== '' && <div className="w-dim w-small w-clip">{group.description}</div>}
                </td>
                <td className="w-wrap">
                  <Members group={group} names={names} />
                </td>
                <td>
                  <Rules rules={rules} />
                </td>
                <td className="w-right">
                  <GroupMenu group={group} onAction={onAction} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Members({ group, names }: { readonly group: Group; readonly names: MemberNames }): ReactNode {
  if (group.members.length === 0) return <span className="w-dim">nothing yet</span>;
  return (
    <div className="w-chips">
      {group.members.map((member) => {
        const carriers = carriersOf(member, names);
        return (
          <span key={JSON.stringify(member)} className="w-chip">
            {describeMember(member, names)}
            {carriers !== undefined && <span className="w-dim">&nbsp;now {carriers}</span>}
          </span>
        );
      })}
    </div>
  );
}

function Rules({ rules }: { readonly rules: readonly string[] }): ReactNode {
  if (rules.length === 0) return <span className="w-dim">no rule</span>;
  return (
    <Tooltip label={rules.join('; ')} multiline maw={420}>
      <span>{plural(rules.length, 'rule')}</span>
    </Tooltip>
  );
}

function GroupMenu({ group, onAction }: { readonly group: Group } & Pick<GroupTableProps, 'onAction'>): ReactNode {
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${group.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit', group })}>
          Edit group
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onAction({ kind: 'delete', group })}
        >
          Delete group
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

import { ActionIcon, Menu, Switch } from '@mantine/core';
import type { KeyboardEvent, ReactNode } from 'react';
import { sentence } from '../../../api/field-errors.js';
import type { NamedService, Policy, ProblemEntry, Rule, Selector } from '../../../api/index.js';
import {
  ArrowDownIcon,
  ArrowUpIcon,
  DeleteIcon,
  EditIcon,
  GripIcon,
  MoreIcon,
  WarningIcon,
} from '../../../ui/icons.js';
import { moveBetweenRows } from '../../../ui/row-keys.js';
import { type ReorderProps, useReordering } from '../../../ui/use-reordering.js';
import { describeTunnelStart } from '../../fabric/tunnel-start.js';
import { inputOf, withRuleMoved } from '../changes.js';
import { describeSelector, describeService, type Names, selectorKey } from '../describe.js';
import { usePolicyWrites } from '../use-policy-writes.js';
import { ProfileMark } from './ProfileMark.js';

interface RuleTableProps {
  readonly policy: Policy;
  readonly names: Names;
  readonly problems: ReadonlyMap<string, readonly ProblemEntry[]>;
  readonly onEdit: (index: number) => void;
  readonly onDelete: (index: number) => void;
}

/** The rules of a policy in the order in which they are tried. */
export function RuleTable({ policy, names, problems, onEdit, onDelete }: RuleTableProps): ReactNode {
  const { replace } = usePolicyWrites();
  const move = (from: number, to: number): void => {
    if (to >= 0 && to < policy.rules.length) replace(policy, withRuleMoved(policy, from, to));
  };
  const reorder = useReordering(`rule-of-${policy.id}`, move);
  const toggle = (index: number, enabled: boolean): void =>
    replace(policy, {
      ...inputOf(policy),
      rules: policy.rules.map((rule, each) => (each === index ? { ...rule, enabled } : rule)),
    });
  return (
    <table className="w-table w-rules">
      <thead>
        <tr>
          <th className="w-order" aria-label="Order" />
          <th>Rule</th>
          <th>Sources</th>
          <th>Destinations</th>
          <th>Services</th>
          <th>Action</th>
          <th>On</th>
          <th aria-label="Actions" />
        </tr>
      </thead>
      <tbody onKeyDown={moveBetweenRows}>
        {policy.rules.map((rule, index) => (
          <RuleRow
            key={rule.id}
            rule={rule}
            index={index}
            last={index === policy.rules.length - 1}
            names={names}
            problems={problems.get(rule.id) ?? []}
            reorder={reorder(index)}
            onMove={move}
            onEdit={() => onEdit(index)}
            onDelete={() => onDelete(index)}
            onToggle={(enabled) => toggle(index, enabled)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RuleRowProps {
  readonly rule: Rule;
  readonly index: number;
  readonly last: boolean;
  readonly names: Names;
  readonly problems: readonly ProblemEntry[];
  readonly reorder: ReorderProps;
  readonly onMove: (from: number, to: number) => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly onToggle: (enabled: boolean) => void;
}

function RuleRow(props: RuleRowProps): ReactNode {
  const { rule, index, names, problems, reorder, onEdit, onToggle } = props;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.key === 'Enter' && event.target === event.currentTarget) onEdit();
    reorder.onKeyDown(event);
  };
  return (
    <tr {...reorder} onKeyDown={onKeyDown} tabIndex={0} data-off={!rule.enabled} data-rule={rule.id}>
      <td className="w-order">
        <GripIcon size={14} aria-hidden className="w-grip" />
        <span className="w-numeric w-dim">{index + 1}</span>
      </td>
      <td>
        <button type="button" className="w-link w-strong" onClick={onEdit}>
          {rule.name}
        </button>
        {problems.map((problem) => (
          <div key={`${problem.pointer} ${problem.rule}`} className="w-problem">
            <WarningIcon size={14} aria-hidden />
            <span>{sentence(problem)}</span>
          </div>
        ))}
      </td>
      <td>
        <Selectors selectors={rule.sources} names={names} />
      </td>
      <td>
        <Selectors selectors={rule.destinations} names={names} />
      </td>
      <td>
        {rule.services.map((service) => (
          <div key={describeService(service)}>{describeService(service)}</div>
        ))}
        {rule.serviceIds.length > 0 && (
          <div className="w-selectors">
            {[...new Set(rule.serviceIds)].map((id) => (
              <NamedServiceMark key={id} service={names.services.find((each) => each.id === id)} />
            ))}
          </div>
        )}
      </td>
      <td>
        <span className="w-action" data-action={rule.action}>
          {rule.action}
        </span>
        {rule.action === 'PROTECT' && rule.tunnelStart !== null && (
          <div className="w-dim w-small">{describeTunnelStart(rule.tunnelStart)}</div>
        )}
        {rule.profileId !== null && (
          <div className="w-below">
            <ProfileMark profileId={rule.profileId} />
          </div>
        )}
      </td>
      <td>
        <Switch
          size="xs"
          aria-label={`${rule.enabled ? 'Disable' : 'Enable'} ${rule.name}`}
          checked={rule.enabled}
          onChange={(event) => onToggle(event.currentTarget.checked)}
        />
      </td>
      <td className="w-right">
        <RuleMenu {...props} />
      </td>
    </tr>
  );
}

/** Its name, and on it what it is of. */
function NamedServiceMark({ service }: { readonly service: NamedService | undefined }): ReactNode {
  return (
    <span className="w-selector" data-kind="service" title={service?.services.map(describeService).join('; ')}>
      {service?.name ?? 'deleted service'}
    </span>
  );
}

function RuleMenu({ rule, index, last, onMove, onEdit, onDelete }: RuleRowProps): ReactNode {
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for rule ${rule.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={onEdit}>
          Edit rule
        </Menu.Item>
        <Menu.Item
          disabled={index === 0}
          leftSection={<ArrowUpIcon size={15} />}
          onClick={() => onMove(index, index - 1)}
        >
          Move up
        </Menu.Item>
        <Menu.Item disabled={last} leftSection={<ArrowDownIcon size={15} />} onClick={() => onMove(index, index + 1)}>
          Move down
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<DeleteIcon size={15} />} onClick={onDelete}>
          Delete rule
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Selectors({
  selectors,
  names,
}: {
  readonly selectors: readonly Selector[];
  readonly names: Names;
}): ReactNode {
  return (
    <div className="w-selectors">
      {selectors.map((selector) => (
        <span key={selectorKey(selector)} className="w-selector" data-kind={selector.kind}>
          {describeSelector(selector, names)}
        </span>
      ))}
    </div>
  );
}

import { ActionIcon, Button, Menu, Switch } from '@mantine/core';
import type { ReactNode } from 'react';
import { sentence } from '../../../api/field-errors.js';
import type { Policy } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import {
  ArrowDownIcon,
  ArrowUpIcon,
  DeleteIcon,
  EditIcon,
  GripIcon,
  MoreIcon,
  PlusIcon,
  WarningIcon,
} from '../../../ui/icons.js';
import type { ReorderProps } from '../../../ui/use-reordering.js';
import { inputOf } from '../changes.js';
import type { Names } from '../describe.js';
import type { SortedProblems } from '../problems.js';
import { usePolicyWrites } from '../use-policy-writes.js';
import { RuleTable } from './RuleTable.js';

/** What a card asks its page to open. */
export type PolicyAction =
  | { readonly kind: 'edit-policy' | 'delete-policy'; readonly policyId: string }
  | { readonly kind: 'edit-rule' | 'delete-rule'; readonly policyId: string; readonly index: number };

interface PolicyCardProps {
  readonly policy: Policy;
  readonly index: number;
  readonly count: number;
  readonly names: Names;
  readonly problems: SortedProblems;
  readonly reorder: ReorderProps;
  readonly onMove: (from: number, to: number) => void;
  readonly onAction: (action: PolicyAction) => void;
}

/** A policy with its rules. */
export function PolicyCard(props: PolicyCardProps): ReactNode {
  const { policy, index, names, problems, reorder, onAction } = props;
  const { replace } = usePolicyWrites();
  const policyId = policy.id;
  return (
    <section
      {...reorder}
      id={policy.id}
      className="w-policy"
      data-off={!policy.enabled}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: Alt with an arrow key moves the focused policy.
      tabIndex={0}
      aria-label={`Policy ${policy.name}`}
    >
      <header>
        <GripIcon size={16} aria-hidden className="w-grip" />
        <div className="w-policy-name">
          <h2>
            <span className="w-dim w-numeric">{index + 1}</span> {policy.name}
          </h2>
          <span className="w-dim w-small">
            {plural(policy.rules.length, 'rule')}
            {policy.description !== '' && ` · ${policy.description}`}
            {policy.confidential && ' · must be encrypted'}
            {!policy.enabled && ' · off, skipped when published'}
          </span>
        </div>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<PlusIcon size={14} />}
          onClick={() => onAction({ kind: 'edit-rule', policyId, index: policy.rules.length })}
        >
          Add rule
        </Button>
        <Switch
          size="xs"
          aria-label={`${policy.enabled ? 'Disable' : 'Enable'} ${policy.name}`}
          checked={policy.enabled}
          onChange={(event) => replace(policy, { ...inputOf(policy), enabled: event.currentTarget.checked })}
        />
        <PolicyMenu {...props} />
      </header>
      {(problems.byPolicy.get(policy.id) ?? []).map((problem) => (
        <div key={`${problem.pointer} ${problem.rule}`} className="w-problem w-problem-wide">
          <WarningIcon size={14} aria-hidden />
          <span>{sentence(problem)}</span>
        </div>
      ))}
      {policy.rules.length === 0 ? (
        <p className="w-none">No rules yet: this policy matches nothing. What no rule matches is discarded.</p>
      ) : (
        <RuleTable
          policy={policy}
          names={names}
          problems={problems.byRule}
          onEdit={(rule) => onAction({ kind: 'edit-rule', policyId, index: rule })}
          onDelete={(rule) => onAction({ kind: 'delete-rule', policyId, index: rule })}
        />
      )}
    </section>
  );
}

function PolicyMenu({ policy, index, count, onMove, onAction }: PolicyCardProps): ReactNode {
  const policyId = policy.id;
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for policy ${policy.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit-policy', policyId })}>
          Edit policy
        </Menu.Item>
        <Menu.Item
          disabled={index === 0}
          leftSection={<ArrowUpIcon size={15} />}
          onClick={() => onMove(index, index - 1)}
        >
          Move up
        </Menu.Item>
        <Menu.Item
          disabled={index === count - 1}
          leftSection={<ArrowDownIcon size={15} />}
          onClick={() => onMove(index, index + 1)}
        >
          Move down
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onAction({ kind: 'delete-policy', policyId })}
        >
          Delete policy
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

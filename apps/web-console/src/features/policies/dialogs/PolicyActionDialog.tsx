import type { ReactNode } from 'react';
import type { Policy } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { withoutRule } from '../changes.js';
import type { PolicyAction } from '../components/PolicyCard.js';
import type { Names } from '../describe.js';
import { deletePolicy, replacePolicy } from '../queries.js';
import { PolicyDialog } from './PolicyDialog.js';
import { RuleDialog } from './RuleDialog.js';

interface PolicyActionDialogProps {
  readonly action: PolicyAction;
  readonly policy: Policy;
  readonly names: Names;
  readonly onClose: () => void;
}

/** The dialog of whatever a policy asked for. */
export function PolicyActionDialog({ action, policy, names, onClose }: PolicyActionDialogProps): ReactNode {
  const tenantId = useTenantId();
  const remove = useWrite((act: () => Promise<unknown>) => act());
  switch (action.kind) {
    case 'edit-policy':
      return <PolicyDialog policy={policy} onClose={onClose} />;
    case 'edit-rule':
      return <RuleDialog policy={policy} index={action.index} names={names} onClose={onClose} />;
    case 'delete-policy':
      return (
        <ConfirmDialog
          title={`Delete ${policy.name}?`}
          confirm="Delete policy"
          act={() => remove.mutateAsync(() => deletePolicy(tenantId, policy))}
          onClose={onClose}
        >
          It goes with its {plural(policy.rules.length, 'rule')}. Traffic changes when you publish the next revision.
        </ConfirmDialog>
      );
    case 'delete-rule':
      return (
        <ConfirmDialog
          title={`Delete rule “${policy.rules[action.index]?.name ?? ''}”?`}
          confirm="Delete rule"
          act={() => remove.mutateAsync(() => replacePolicy(tenantId, policy, withoutRule(policy, action.index)))}
          onClose={onClose}
        >
          Traffic changes when you publish the next revision.
        </ConfirmDialog>
      );
  }
}

import { Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Edge } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { revokeEdge } from '../../sites/queries.js';

interface RevocationDialogProps {
  readonly edge: Edge;
  readonly onClose: () => void;
}

/** Asks why an edge is revoked, and says what happens then. */
export function RevocationDialog({ edge, onClose }: RevocationDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({ reason: '' });
  const revoke = useWrite((reason: string) => revokeEdge(tenantId, edge, reason));
  return (
    <FormDialog
      title={`Revoke ${edge.name}?`}
      submit="Revoke edge"
      busy={revoke.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit(({ reason }) => revoke.mutate(reason.trim(), { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <Text size="sm">
        Its session ends at once and its identity is refused. All other edges drop it within a second, and with it the
        traffic of its site. To bring it back, enroll it again.
      </Text>
      <TextInput
        label="Reason"
        placeholder="The machine was stolen."
        data-autofocus
        {...form.getInputProps('reason')}
      />
    </FormDialog>
  );
}

import { NumberInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NewWebhook, Webhook } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { renewWebhookSecret } from '../queries.js';
import { ShownSecret } from './ShownSecret.js';

const OVERLAP_HOURS = 24;
const OVERLAP_HOURS_MAXIMUM = 168;

interface RenewSecretDialogProps {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}

/** Makes another secret for a webhook, and shows it: once. */
export function RenewSecretDialog({ webhook, onClose }: RenewSecretDialogProps): ReactNode {
  const tenantId = useTenantId();
  const [renewed, setRenewed] = useState<NewWebhook>();
  const { form, failure, refuse } = useProblemForm<{ overlapHours: number | string }>({ overlapHours: OVERLAP_HOURS });
  const renew = useWrite((hours: number | string) =>
    renewWebhookSecret(tenantId, webhook, hours === '' ? OVERLAP_HOURS : Number(hours)),
  );
  if (renewed !== undefined) return <ShownSecret webhook={renewed} onClose={onClose} />;
  return (
    <FormDialog
      title={`Renew the secret of ${webhook.name}`}
      submit="Renew secret"
      busy={renew.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit(({ overlapHours }) =>
        renew.mutate(overlapHours, { onSuccess: setRenewed, onError: refuse }),
      )}
      onClose={onClose}
    >
      <NumberInput
        label="Hours for which the present one signs as well"
        description="Enough to change it at the receiver. 0 when somebody else knows it: the receiver refuses deliveries until it has the new one, and they are tried again."
        min={0}
        max={OVERLAP_HOURS_MAXIMUM}
        allowDecimal={false}
        data-autofocus
        {...form.getInputProps('overlapHours')}
      />
    </FormDialog>
  );
}

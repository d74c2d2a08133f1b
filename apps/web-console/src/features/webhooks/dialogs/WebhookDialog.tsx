import { MultiSelect, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NewWebhook, Webhook } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createWebhook, replaceWebhook } from '../queries.js';
import { EVENT_LABELS, type EventType } from '../wording.js';
import { ShownSecret } from './ShownSecret.js';

interface WebhookDialogProps {
  /** What changes; absent for a new one. */
  readonly webhook?: Webhook;
  readonly onClose: () => void;
}

interface WebhookValues {
  readonly name: string;
  readonly url: string;
  readonly types: EventType[];
}

const EVENT_CHOICES = Object.entries(EVENT_LABELS).map(([group, labels]) => ({
  group,
  items: Object.entries(labels).map(([value, label]) => ({ value, label })),
}));

/** Makes a webhook and shows its secret, once; or changes one. */
export function WebhookDialog({ webhook, onClose }: WebhookDialogProps): ReactNode {
  const [made, setMade] = useState<NewWebhook>();
  return made === undefined ? (
    <WebhookForm webhook={webhook} onClose={onClose} onMade={setMade} />
  ) : (
    <ShownSecret webhook={made} onClose={onClose} />
  );
}

interface WebhookFormProps {
  readonly webhook: Webhook | undefined;
  readonly onClose: () => void;
  readonly onMade: (webhook: NewWebhook) => void;
}

function WebhookForm({ webhook, onClose, onMade }: WebhookFormProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm<WebhookValues>({
    name: webhook?.name ?? '',
    url: webhook?.url ?? '',
    types: (webhook?.types ?? []) as EventType[],
  });
  const save = useWrite(async ({ name, url, types }: WebhookValues): Promise<NewWebhook | undefined> => {
    const input = { name: name.trim(), url: url.trim(), types, enabled: webhook?.enabled ?? true };
    if (webhook === undefined) return createWebhook(tenantId, input);
    await replaceWebhook(tenantId, webhook, input);
    return undefined;
  });
  const done = (made: NewWebhook | undefined): void => (made === undefined ? onClose() : onMade(made));
  return (
    <FormDialog
      title={webhook === undefined ? 'Add webhook' : `Edit ${webhook.name}`}
      submit={webhook === undefined ? 'Add webhook' : 'Save'}
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: done, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="chat of the operators" data-autofocus {...form.getInputProps('name')} />
      <TextInput
        label="URL"
        description="Gets a POST for each event. It is an address of the Internet, by https, unless the operator of the controller allows more."
        placeholder="https://hooks.example/weft"
        {...form.getInputProps('url')}
      />
      <MultiSelect
        label="Events"
        description="None chosen: it gets all, those that later versions know, too."
        placeholder={form.getValues().types.length === 0 ? 'all' : ''}
        data={EVENT_CHOICES}
        searchable
        clearable
        comboboxProps={{ withinPortal: true }}
        {...form.getInputProps('types')}
      />
    </FormDialog>
  );
}

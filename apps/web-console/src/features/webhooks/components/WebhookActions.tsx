import { ActionIcon, Button, Menu } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Webhook } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { DeleteIcon, EditIcon, EnrollIcon, MoreIcon, PauseIcon, PublishIcon, ResumeIcon } from '../../../ui/icons.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { RenewSecretDialog } from '../dialogs/RenewSecretDialog.js';
import { WebhookDialog } from '../dialogs/WebhookDialog.js';
import { deleteWebhook, deliveriesQuery, pauseWebhook, resumeWebhook, testWebhook } from '../queries.js';

/** What can be done with a webhook. */
export function WebhookActions({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const tenantId = useTenantId();
  const [dialog, setDialog] = useState<'edit' | 'secret' | 'delete' | null>(null);
  const close = (): void => setDialog(null);
  const test = useWrite(() => testWebhook(tenantId, webhook), { announce: true });
  const change = webhook.enabled ? pauseWebhook : resumeWebhook;
  const turn = useWrite(() => change(tenantId, webhook), { announce: true });
  return (
    <>
      {webhook.enabled && (
        <Button
          variant="default"
          leftSection={<PublishIcon size={15} />}
          loading={test.isPending}
          onClick={() => test.mutate(undefined)}
        >
          Send a test
        </Button>
      )}
      <Button
        variant="default"
        leftSection={webhook.enabled ? <PauseIcon size={15} /> : <ResumeIcon size={15} />}
        loading={turn.isPending}
        onClick={() => turn.mutate(undefined)}
      >
        {webhook.enabled ? 'Pause' : 'Resume'}
      </Button>
      <Button variant="default" leftSection={<EditIcon size={15} />} onClick={() => setDialog('edit')}>
        Edit
      </Button>
      <Menu position="bottom-end" width={190}>
        <Menu.Target>
          <ActionIcon size="lg" variant="default" aria-label={`More actions for ${webhook.name}`}>
            <MoreIcon size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<EnrollIcon size={15} />} onClick={() => setDialog('secret')}>
            Renew secret
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<DeleteIcon size={15} />} onClick={() => setDialog('delete')}>
            Delete webhook
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'edit' && <WebhookDialog webhook={webhook} onClose={close} />}
      {dialog === 'secret' && <RenewSecretDialog webhook={webhook} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog webhook={webhook} onClose={close} />}
    </>
  );
}

function DeleteDialog({ webhook, onClose }: { readonly webhook: Webhook; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const remove = async (): Promise<void> => {
    await deleteWebhook(tenantId, webhook);
    await navigate({ to: '/webhooks' });
    // There are no deliveries any more of a webhook that is gone.
    const [, deliveries] = deliveriesQuery(tenantId, webhook.id).queryKey;
    await queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] !== deliveries });
  };
  return (
    <ConfirmDialog title={`Delete ${webhook.name}?`} confirm="Delete webhook" act={remove} onClose={onClose}>
      What waits is not delivered, and its log goes with it. To stop deliveries for a while, pause it.
    </ConfirmDialog>
  );
}

import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { NewWebhook } from '../../../api/index.js';
import { formatExact } from '../../../lib/format-time.js';
import { CopyLine } from '../../../ui/CopyLine.js';

/** The secret of a webhook, this once: no click beside it and no Escape takes it away. */
export function ShownSecret(props: { readonly webhook: NewWebhook; readonly onClose: () => void }): ReactNode {
  const { webhook, onClose } = props;
  const { name, secret, previousSecretUntil } = webhook;
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Secret of ${name}`}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="md">
        <Text size="sm">
          Copy it now: it is not shown again. The receiver checks with it that a delivery comes from here (Standard
          Webhooks: <code>webhook-signature</code>).
        </Text>
        {previousSecretUntil !== null && (
          <Text size="sm">The secret before signs as well until {formatExact(Date.parse(previousSecretUntil))}.</Text>
        )}
        <CopyLine text={secret} label="Copy the secret" />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

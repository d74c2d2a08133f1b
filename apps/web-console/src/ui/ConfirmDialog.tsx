import { Button, Group, Modal, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FailureNotice } from './FailureNotice.js';

interface ConfirmDialogProps {
  readonly title: string;
  /** What will be gone, and what happens then. */
  readonly children: ReactNode;
  /** The verb on the button: “Delete site”. */
  readonly confirm: string;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before something is removed, stays open with the reason when the controller refuses. */
export function ConfirmDialog({ title, children, confirm, act, onClose }: ConfirmDialogProps): ReactNode {
  const action = useMutation({ mutationFn: act, onSuccess: onClose });
  return (
    <Modal opened onClose={onClose} title={title} size="md">
      <Stack gap="md">
        <div>{children}</div>
        {action.isError && <FailureNotice error={action.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button color="red" loading={action.isPending} onClick={() => action.mutate()} data-autofocus>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NewTotp } from '../../../api/index.js';
import { CopyLine, CopyValue } from '../../../ui/CopyLine.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { confirmTotp, enrollTotp } from '../queries.js';

type Step =
  | { readonly step: 'password' }
  | { readonly step: 'code'; readonly totp: NewTotp }
  | { readonly step: 'codes'; readonly recoveryCodes: readonly string[] };

/** Sets up a second factor: the password, the secret for the authenticator and its first code, then the recovery codes. */
export function EnrollTotpDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [at, setAt] = useState<Step>({ step: 'password' });
  switch (at.step) {
    case 'password':
      return <PasswordStep onClose={onClose} onDone={(totp) => setAt({ step: 'code', totp })} />;
    case 'code':
      return (
        <CodeStep
          totp={at.totp}
          onClose={onClose}
          onDone={(recoveryCodes) => setAt({ step: 'codes', recoveryCodes })}
        />
      );
    case 'codes':
      return <RecoveryCodes codes={at.recoveryCodes} onClose={onClose} />;
  }
}

interface StepProps<Result> {
  readonly onClose: () => void;
  readonly onDone: (result: Result) => void;
}

function PasswordStep({ onClose, onDone }: StepProps<NewTotp>): ReactNode {
  const { form, failure, refuse } = useProblemForm({ currentPassword: '' });
  const begin = useWrite(enrollTotp);
  return (
    <FormDialog
      title="Set up second factor"
      submit="Continue"
      busy={begin.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => begin.mutate(values, { onSuccess: onDone, onError: refuse }))}
      onClose={onClose}
    >
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('currentPassword')}
      />
    </FormDialog>
  );
}

function CodeStep({ totp, onClose, onDone }: StepProps<readonly string[]> & { readonly totp: NewTotp }): ReactNode {
  const { form, failure, refuse } = useProblemForm({ code: '' });
  const confirm = useWrite(({ code }: { code: string }) => confirmTotp({ code: code.trim() }));
  return (
    <FormDialog
      title="Set up second factor"
      submit="Confirm"
      size="lg"
      busy={confirm.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) =>
        confirm.mutate(values, { onSuccess: ({ recoveryCodes }) => onDone(recoveryCodes), onError: refuse }),
      )}
      onClose={onClose}
    >
      <Text size="sm">Add this key to your authenticator: SHA-1, six digits, every 30 seconds.</Text>
      <CopyLine text={totp.secret} label="Copy the key" />
      <Text size="sm">An authenticator on this machine may take the whole of it:</Text>
      <CopyLine text={totp.uri} label="Copy the otpauth URI" />
      <TextInput
        label="Code"
        description="What the authenticator shows now."
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={40}
        data-autofocus
        {...form.getInputProps('code')}
      />
    </FormDialog>
  );
}

function RecoveryCodes(props: { readonly codes: readonly string[]; readonly onClose: () => void }): ReactNode {
  const { codes, onClose } = props;
  return (
    <Modal
      opened
      onClose={onClose}
      title="Your recovery codes"
      size="md"
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="md">
        <Text size="sm">
          Keep them where you find them without your authenticator. Each lets you in once; they are not shown again.
        </Text>
        <div className="w-recovery-codes">
          {codes.map((code) => (
            <code key={code}>{code}</code>
          ))}
          <CopyValue text={codes.join('\n')} label="Copy the recovery codes" />
        </div>
        <Group justify="flex-end">
          <Button onClick={onClose}>I have kept them</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

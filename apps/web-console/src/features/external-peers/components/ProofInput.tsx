import { Input, PasswordInput, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PeerValues } from '../peer-form.js';

interface ProofInputProps {
  readonly values: PeerValues;
  readonly errors: Readonly<Record<string, ReactNode>>;
  /** There is a key that stays as it is when none is typed. */
  readonly keyIsSet: boolean;
  readonly onChange: (change: Partial<PeerValues>) => void;
}

/** How both ends prove who they are: with a key that they share, or with certificates. */
export function ProofInput({ values, errors, keyIsSet, onChange }: ProofInputProps): ReactNode {
  return (
    <>
      <Input.Wrapper label="Both prove it with">
        <div>
          <SegmentedControl
            size="xs"
            aria-label="Both prove it with"
            value={values.proof}
            onChange={(proof) => onChange({ proof: proof as PeerValues['proof'] })}
            data={[
              { value: 'key', label: 'Pre-shared key' },
              { value: 'certificates', label: 'Certificates' },
            ]}
          />
        </div>
      </Input.Wrapper>
      {values.proof === 'key' ? (
        <>
          <TextInput
            label="Identity of our edge"
            placeholder="berlin.example"
            description={`What our edge shows to the ${values.kind === 'gateway' ? 'gateway' : 'host'}.`}
            value={values.localIdentity}
            error={errors['localIdentity']}
            onChange={(event) => onChange({ localIdentity: event.currentTarget.value })}
          />
          <PasswordInput
            label="Pre-shared key"
            autoComplete="off"
            placeholder={keyIsSet ? 'stays as it is' : ''}
            description="Long and at random, 16 characters or more. It is kept sealed and never shown again."
            value={values.preSharedKey}
            error={errors['preSharedKey']}
            onChange={(event) => onChange({ preSharedKey: event.currentTarget.value })}
          />
        </>
      ) : (
        <Textarea
          label="Pinned certificates"
          description="PEM of its authorities, or of its own certificate, one after the other. Our edge shows the certificate that it has from us."
          placeholder="-----BEGIN CERTIFICATE-----"
          autosize
          minRows={4}
          maxRows={12}
          classNames={{ input: 'w-monospace' }}
          value={values.certificates}
          error={errors['certificates']}
          onChange={(event) => onChange({ certificates: event.currentTarget.value })}
        />
      )}
    </>
  );
}

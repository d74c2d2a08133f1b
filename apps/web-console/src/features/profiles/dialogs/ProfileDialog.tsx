import { Group, MultiSelect, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { failureOf, type Profile, type ProfileInput } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { KEY_EXCHANGES, PRF_LABELS } from '../../external-peers/wording.js';
import { useTenantId } from '../../session/use-tenant.js';
import { CIPHERS, type ProfileValues, profileFields, profileValues, readProfile } from '../profile-form.js';
import { createProfile, replaceProfile } from '../queries.js';

interface ProfileDialogProps {
  /** The profile to change; absent for a new one. */
  readonly profile?: Profile;
  readonly onClose: () => void;
}

/** Makes a profile, or changes what the tunnels of all rules have that it is of, in the draft. */
export function ProfileDialog({ profile, onClose }: ProfileDialogProps): ReactNode {
  const tenantId = useTenantId();
  const [initial] = useState(() => profileValues(profile));
  const { form, failure, refuse, clear } = useProblemForm<ProfileValues>(initial, profileFields);
  const save = useWrite((body: ProfileInput) =>
    profile === undefined ? createProfile(tenantId, body) : replaceProfile(tenantId, profile, body),
  );
  const submit = (values: ProfileValues): void => {
    clear();
    const read = readProfile(values);
    if ('errors' in read) form.setErrors(read.errors);
    else save.mutate(read.body, { onSuccess: onClose, onError: refuse });
  };
  const stale = failure !== undefined && failureOf(failure.error).status === 412;
  return (
    <FormDialog
      title={profile === undefined ? 'Add profile' : `Edit ${profile.name}`}
      submit={profile === undefined ? 'Add profile' : 'Save'}
      size="lg"
      busy={save.isPending}
      failure={
        failure && (
          <>
            <FailureNotice {...failure} />
            {stale && (
              <div className="w-small">Close this dialog to see the newer version, then make the change again.</div>
            )}
          </>
        )
      }
      onSubmit={form.onSubmit(submit)}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="chacha" data-autofocus {...form.getInputProps('name')} />
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      <PacketFields form={form} />
      <NegotiationFields form={form} />
    </FormDialog>
  );
}

type ProfileForm = Pick<ReturnType<typeof useProblemForm<ProfileValues>>, 'form'>;

/** What protects packets. */
function PacketFields({ form }: ProfileForm): ReactNode {
  return (
    <fieldset className="w-fieldset">
      <legend className="w-label">ESP and its Child SA</legend>
      <Group grow align="flex-start">
        <NativeSelect label="ESP encryption" data={[...CIPHERS]} {...form.getInputProps('esp.encryption')} />
        <NumberInput
          label="Replay window"
          description="Packets, 64 to 4096"
          inputWrapperOrder={ORDER}
          allowDecimal={false}
          {...form.getInputProps('esp.replayWindow')}
        />
        <NumberInput
          label="Child SA lifetime (s)"
          description="60 to 2592000"
          inputWrapperOrder={ORDER}
          allowDecimal={false}
          {...form.getInputProps('childLifetimeSeconds')}
        />
      </Group>
      <MultiSelect
        mt="sm"
        label="Key exchange of a rekey (PFS)"
        description="When the keys of packets are replaced. None: they come from the IKE SA."
        placeholder={form.values.childKeyExchange.length === 0 ? 'no key exchange' : ''}
        data={[...KEY_EXCHANGES]}
        comboboxProps={{ withinPortal: true }}
        {...form.getInputProps('childKeyExchange')}
        value={form.values.childKeyExchange}
      />
    </fieldset>
  );
}

/** What protects the negotiation itself. */
function NegotiationFields({ form }: ProfileForm): ReactNode {
  return (
    <fieldset className="w-fieldset">
      <legend className="w-label">IKE SA</legend>
      <Group grow align="flex-start">
        <NativeSelect label="IKE encryption" data={[...CIPHERS]} {...form.getInputProps('ike.encryption')} />
        <NativeSelect label="PRF" data={PRFS} {...form.getInputProps('ike.prf')} />
        <NumberInput
          label="IKE SA lifetime (s)"
          description="60 to 2592000"
          inputWrapperOrder={ORDER}
          allowDecimal={false}
          {...form.getInputProps('ikeLifetimeSeconds')}
        />
      </Group>
      <MultiSelect
        mt="sm"
        label="Key exchange"
        description="A method, and what is added to it in this order (RFC 9370); ML-KEM comes behind another one."
        placeholder={form.values.ike.keyExchange.length === 0 ? 'choose one' : ''}
        data={[...KEY_EXCHANGES]}
        comboboxProps={{ withinPortal: true }}
        {...form.getInputProps('ike.keyExchange')}
        value={form.values.ike.keyExchange}
      />
    </fieldset>
  );
}

const PRFS = Object.entries(PRF_LABELS).map(([value, label]) => ({ value, label }));
/** Fields of one row stand at one height, whatever is written below them. */
const ORDER: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error'];

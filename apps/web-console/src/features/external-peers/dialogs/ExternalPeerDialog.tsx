import { Group, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { CreateExternalPeer, ExternalPeer } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { sitesQuery } from '../../sites/queries.js';
import { ProofInput } from '../components/ProofInput.js';
import { EspProposalInput, IkeProposalsInput } from '../components/ProposalInputs.js';
import { type PeerValues, peerBody, peerValues } from '../peer-form.js';
import { createExternalPeer, replaceExternalPeer } from '../queries.js';

interface ExternalPeerDialogProps {
  /** The peer to change; absent for a new one. */
  readonly peer?: ExternalPeer;
  readonly onClose: () => void;
}

/** Describes an external peer, or changes it, in the draft. */
export function ExternalPeerDialog({ peer, onClose }: ExternalPeerDialogProps): ReactNode {
  const tenantId = useTenantId();
  const sites = [...(useQuery(sitesQuery(tenantId)).data?.items ?? [])].sort((a, b) => compareNames(a.name, b.name));
  const { form, failure, refuse, clear } = useProblemForm<PeerValues>(peerValues(peer, sites[0]?.id ?? ''));
  const save = useWrite((values: PeerValues) => {
    const body = peerBody(values);
    return peer === undefined
      ? createExternalPeer(tenantId, body as CreateExternalPeer)
      : replaceExternalPeer(tenantId, peer, body);
  });
  const { values, errors } = { values: form.getValues(), errors: form.errors };
  const set = (change: Partial<PeerValues>): void => {
    form.setValues(change);
    for (const field of Object.keys(change)) form.clearFieldError(field);
  };
  return (
    <FormDialog
      title={peer === undefined ? 'Add external peer' : `Edit ${peer.name}`}
      submit={peer === undefined ? 'Add external peer' : 'Save'}
      size="lg"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((entered) => {
        clear();
        save.mutate(entered, { onSuccess: onClose, onError: refuse });
      })}
      onClose={onClose}
    >
      <Group gap="sm" align="flex-end" wrap="nowrap">
        <TextInput flex={1} label="Name" placeholder="Partner" data-autofocus {...form.getInputProps('name')} />
        <NativeSelect
          flex={1}
          label="Site"
          description="Its one edge has the tunnel with it."
          data={sites.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('siteId')}
        />
      </Group>
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      <Group gap="sm" align="flex-start" wrap="nowrap">
        <TextInput
          flex={1}
          label="Address"
          placeholder="203.0.113.99"
          description="Where the gateway is on the underlay."
          {...form.getInputProps('address')}
        />
        <NumberInput
          w={120}
          label="UDP port"
          description="IKE and ESP."
          hideControls
          allowDecimal={false}
          allowNegative={false}
          {...form.getInputProps('port')}
        />
      </Group>
      <TextInput
        label="Identity of the gateway"
        placeholder="gw.partner.example"
        description="What it shows: a domain name, a mailbox, an address, or keyid: and a key ID."
        {...form.getInputProps('identity')}
      />
      <ProofInput values={values} errors={errors} keyIsSet={peer?.preSharedKey !== undefined} onChange={set} />
      <Textarea
        label="Networks behind the gateway"
        description="One prefix on each line."
        placeholder="10.8.0.0/24"
        autosize
        minRows={2}
        maxRows={8}
        {...form.getInputProps('prefixes')}
      />
      <IkeProposalsInput
        proposals={values.ikeProposals}
        error={errors['ikeProposals']}
        onChange={(ikeProposals) => set({ ikeProposals })}
      />
      <EspProposalInput
        proposal={values.espProposal}
        error={errors['espProposal']}
        onChange={(espProposal) => set({ espProposal })}
      />
    </FormDialog>
  );
}

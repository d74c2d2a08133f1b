import { Group, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  type AddressPool,
  type CreateExternalPeer,
  type ExternalPeer,
  failureOf,
  type Site,
} from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { addressPoolsQuery } from '../../address-pools/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { sitesQuery } from '../../sites/queries.js';
import { AssignedInput } from '../components/AssignedInput.js';
import { GatewayNetworksInput, GatewayPlaceInput } from '../components/GatewayInput.js';
import { KindInput } from '../components/KindInput.js';
import { ProofInput } from '../components/ProofInput.js';
import { EspProposalInput, IkeProposalsInput } from '../components/ProposalInputs.js';
import { atFields, atSite, type PeerValues, peerBody, peerValues } from '../peer-form.js';
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
  const pools = useQuery(addressPoolsQuery(tenantId)).data?.items ?? [];
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
  const offered = sitesFor(values.kind, sites, pools);
  const choose = (kind: PeerValues['kind']): void => {
    const possible = sitesFor(kind, sites, pools);
    const siteId = possible.find(({ id }) => id === values.siteId)?.id ?? possible[0]?.id ?? values.siteId;
    set(kind === 'gateway' ? { kind } : atSite(siteId, pools));
  };
  const host = values.kind === 'remote_host';
  return (
    <FormDialog
      title={peer === undefined ? 'Add external peer' : `Edit ${peer.name}`}
      submit={peer === undefined ? 'Add external peer' : 'Save'}
      size="lg"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((entered) => {
        clear();
        save.mutate(entered, {
          onSuccess: onClose,
          onError: (error) => refuse(atFields(failureOf(error), entered)),
        });
      })}
      onClose={onClose}
    >
      {/* A gateway does not become a host, nor the other way round. */}
      {peer === undefined && <KindInput kind={values.kind} hasPools={pools.length > 0} onChange={choose} />}
      <Group gap="sm" align="flex-end" wrap="nowrap">
        <TextInput
          flex={1}
          label="Name"
          placeholder={host ? 'notebook of Ada' : 'Partner'}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <NativeSelect
          flex={1}
          label="Site"
          description="Its one edge has the tunnel with it."
          data={offered.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('siteId')}
          onChange={({ currentTarget: { value: siteId } }) => set(host ? atSite(siteId, pools) : { siteId })}
        />
      </Group>
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      {host ? (
        <AssignedInput form={form} pools={pools} held={peer?.assigned ?? []} />
      ) : (
        <GatewayPlaceInput form={form} />
      )}
      <TextInput
        label={host ? 'Identity of the host' : 'Identity of the gateway'}
        placeholder={host ? 'ada@example.com' : 'gw.partner.example'}
        description="What it shows: a domain name, a mailbox, an address, or keyid: and a key ID."
        {...form.getInputProps('identity')}
      />
      <ProofInput values={values} errors={errors} keyIsSet={peer?.preSharedKey !== undefined} onChange={set} />
      {!host && <GatewayNetworksInput form={form} />}
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

/** A remote host is at a site that has a pool. */
function sitesFor(kind: PeerValues['kind'], sites: readonly Site[], pools: readonly AddressPool[]): readonly Site[] {
  return kind === 'gateway' ? sites : sites.filter(({ id }) => pools.some(({ siteId }) => siteId === id));
}

import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { AddressPool, AddressPoolInput, Site } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { type PoolValues, poolBody, poolValues } from '../pool-form.js';
import { createAddressPool, replaceAddressPool } from '../queries.js';

interface AddressPoolDialogProps {
  /** The pool to change; absent for a new one. */
  readonly pool?: AddressPool;
  readonly sites: readonly Site[];
  readonly onClose: () => void;
}

/** Makes an address pool, or changes it, in the draft. */
export function AddressPoolDialog({ pool, sites, onClose }: AddressPoolDialogProps): ReactNode {
  const tenantId = useTenantId();
  const choices = [...sites].sort((a, b) => compareNames(a.name, b.name));
  const { form, failure, refuse, clear } = useProblemForm<PoolValues>(poolValues(pool, choices[0]?.id ?? ''));
  const save = useWrite((body: AddressPoolInput) =>
    pool === undefined ? createAddressPool(tenantId, body) : replaceAddressPool(tenantId, pool, body),
  );
  return (
    <FormDialog
      title={pool === undefined ? 'Add address pool' : `Edit ${pool.name}`}
      submit={pool === undefined ? 'Add address pool' : 'Save'}
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((values) => {
        clear();
        save.mutate(poolBody(values), { onSuccess: onClose, onError: refuse });
      })}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="notebooks" data-autofocus {...form.getInputProps('name')} />
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      <NativeSelect
        label="Site"
        description="Its one edge is the gateway of the hosts."
        data={choices.map(({ id, name }) => ({ value: id, label: name }))}
        {...form.getInputProps('siteId')}
      />
      <TextInput
        label="Prefix"
        description="IPv4 or IPv6. Each host has one address of it, so it overlaps no network and nothing behind a gateway."
        placeholder="10.99.0.0/24 or 2001:db8:99::/64"
        {...form.getInputProps('prefix')}
      />
      <Textarea
        label="Name servers"
        description="What hosts ask for names, one address on each line. Let a rule allow that."
        placeholder="10.1.0.53"
        autosize
        minRows={1}
        maxRows={8}
        {...form.getInputProps('nameServers')}
      />
      <Textarea
        label="Domains"
        description="What hosts ask these servers for, one on each line; without any, whatever they like."
        placeholder="corp.example"
        autosize
        minRows={1}
        maxRows={8}
        {...form.getInputProps('domains')}
      />
    </FormDialog>
  );
}

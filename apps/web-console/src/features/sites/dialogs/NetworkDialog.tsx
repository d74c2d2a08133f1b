import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CreateNetwork, Network, Site } from '../../../api/index.js';
import { labelsText, readLabels } from '../../../lib/labels.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createNetwork, updateNetwork } from '../queries.js';
import { LabelsInput } from './LabelsInput.js';

interface NetworkDialogProps {
  readonly site: Site;
  /** The network to change; absent for a new one. */
  readonly network?: Network;
  readonly onClose: () => void;
}

/** Puts a network behind a site, or changes what is said of it: with another prefix it would be another one. */
export function NetworkDialog({ site, network, onClose }: NetworkDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({
    name: network?.name ?? '',
    prefix: network?.prefix ?? '',
    mappedPrefix: network?.mappedPrefix ?? '',
    labels: labelsText(network?.labels ?? {}),
  });
  const save = useWrite(({ prefix, mappedPrefix, ...change }: Omit<CreateNetwork, 'siteId'>) => {
    const isMapped = mappedPrefix !== undefined && mappedPrefix !== '';
    return network === undefined
      ? createNetwork(tenantId, { siteId: site.id, prefix, ...change, ...(isMapped ? { mappedPrefix } : {}) })
      : updateNetwork(tenantId, network, { ...change, mappedPrefix: isMapped ? mappedPrefix : null });
  });
  const submit = (values: ReturnType<typeof form.getValues>): void => {
    const read = readLabels(values.labels);
    if ('problem' in read) form.setFieldError('labels', read.problem);
    else {
      const [prefix, mappedPrefix] = [values.prefix.trim(), values.mappedPrefix.trim()];
      const body = { name: values.name.trim(), prefix, mappedPrefix, labels: read.labels };
      save.mutate(body, { onSuccess: onClose, onError: refuse });
    }
  };
  return (
    <FormDialog
      title={network === undefined ? `Add network to ${site.name}` : `Edit ${network.prefix}`}
      submit={network === undefined ? 'Add network' : 'Save'}
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit(submit)}
      onClose={onClose}
    >
      {network === undefined && (
        <TextInput
          label="Prefix"
          description="IPv4 or IPv6. Networks of different sites must not overlap, unless each is mapped."
          placeholder="10.1.0.0/16 or 2001:db8:1::/48"
          data-autofocus
          {...form.getInputProps('prefix')}
        />
      )}
      <TextInput
        label="Name"
        placeholder="Office LAN"
        data-autofocus={network !== undefined}
        {...form.getInputProps('name')}
      />
      <TextInput
        label="Mapped to"
        description="Where sites use the same prefix: another one of the same length, by which rules and other sites name this network."
        placeholder="172.20.1.0/24, or nothing"
        {...form.getInputProps('mappedPrefix')}
      />
      <LabelsInput placeholder="use=office" {...form.getInputProps('labels')} />
    </FormDialog>
  );
}

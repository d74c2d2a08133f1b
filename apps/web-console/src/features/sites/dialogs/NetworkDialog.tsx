import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CreateNetwork, Network, Site } from '../../../api/index.js';
import { labelsText, readLabels } from '../../../lib/labels.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
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

/** Puts a network behind a site, or changes its name and labels: with another prefix it would be another one. */
export function NetworkDialog({ site, network, onClose }: NetworkDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({
    name: network?.name ?? '',
    prefix: network?.prefix ?? '',
    labels: labelsText(network?.labels ?? {}),
  });
  const save = useWrite(({ prefix, ...change }: Omit<CreateNetwork, 'siteId'>) =>
    network === undefined
      ? createNetwork(tenantId, { siteId: site.id, prefix, ...change })
      : updateNetwork(tenantId, network.id, change),
  );
  const submit = (values: ReturnType<typeof form.getValues>): void => {
    const read = readLabels(values.labels);
    if ('problem' in read) form.setFieldError('labels', read.problem);
    else {
      const body = { name: values.name.trim(), prefix: values.prefix.trim(), labels: read.labels };
      save.mutate(body, { onSuccess: onClose, onError: refuse });
    }
  };
  return (
    <FormDialog
      title={network === undefined ? `Add network to ${site.name}` : `Edit ${network.prefix}`}
      submit={network === undefined ? 'Add network' : 'Save'}
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit(submit)}
      onClose={onClose}
    >
      {network === undefined && (
        <TextInput
          label="Prefix"
          description="IPv4 or IPv6. Networks of different sites must not overlap."
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
      <LabelsInput placeholder="use=office" {...form.getInputProps('labels')} />
    </FormDialog>
  );
}

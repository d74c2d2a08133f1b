import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Site } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createNetwork } from '../queries.js';

/** Puts a network behind a site. */
export function NetworkDialog({ site, onClose }: { readonly site: Site; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({ name: '', prefix: '' });
  const save = useWrite((values: { name: string; prefix: string }) =>
    createNetwork(tenantId, { siteId: site.id, name: values.name.trim(), prefix: values.prefix.trim() }),
  );
  return (
    <FormDialog
      title={`Add network to ${site.name}`}
      submit="Add network"
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput
        label="Prefix"
        description="IPv4 or IPv6. Networks of different sites must not overlap."
        placeholder="10.1.0.0/16 or 2001:db8:1::/48"
        data-autofocus
        {...form.getInputProps('prefix')}
      />
      <TextInput label="Name" placeholder="Office LAN" {...form.getInputProps('name')} />
    </FormDialog>
  );
}

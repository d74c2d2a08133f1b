import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Site } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createSite, updateSite } from '../queries.js';

interface SiteDialogProps {
  /** The site to change; absent for a new one. */
  readonly site?: Site;
  readonly onClose: () => void;
}

/** Makes or changes a site. */
export function SiteDialog({ site, onClose }: SiteDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({ name: site?.name ?? '', description: site?.description ?? '' });
  const save = useWrite((values: { name: string; description: string }) =>
    site === undefined ? createSite(tenantId, values) : updateSite(tenantId, site.id, values),
  );
  return (
    <FormDialog
      title={site === undefined ? 'Add site' : `Edit ${site.name}`}
      submit={site === undefined ? 'Add site' : 'Save'}
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="A place with networks behind it: a branch, a data centre, a cloud VPC."
        placeholder="Amsterdam"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <Textarea label="Description" autosize minRows={2} maxRows={6} {...form.getInputProps('description')} />
    </FormDialog>
  );
}

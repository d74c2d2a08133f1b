import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CreateSite, Site } from '../../../api/index.js';
import { labelsText, readLabels } from '../../../lib/labels.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createSite, updateSite } from '../queries.js';
import { LabelsInput } from './LabelsInput.js';

interface SiteDialogProps {
  /** The site to change; absent for a new one. */
  readonly site?: Site;
  readonly onClose: () => void;
}

/** Makes or changes a site. */
export function SiteDialog({ site, onClose }: SiteDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({
    name: site?.name ?? '',
    description: site?.description ?? '',
    labels: labelsText(site?.labels ?? {}),
  });
  const save = useWrite((body: CreateSite) =>
    site === undefined ? createSite(tenantId, body) : updateSite(tenantId, site, body),
  );
  const submit = ({ labels, ...values }: ReturnType<typeof form.getValues>): void => {
    const read = readLabels(labels);
    if ('problem' in read) form.setFieldError('labels', read.problem);
    else save.mutate({ ...values, labels: read.labels }, { onSuccess: onClose, onError: refuse });
  };
  return (
    <FormDialog
      title={site === undefined ? 'Add site' : `Edit ${site.name}`}
      submit={site === undefined ? 'Add site' : 'Save'}
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit(submit)}
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
      <LabelsInput placeholder="role=branch, region=emea" {...form.getInputProps('labels')} />
    </FormDialog>
  );
}

import { Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NamedService, NamedServiceInput } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { ServicesInput } from '../../policies/components/ServicesInput.js';
import { nextKey } from '../../policies/next-key.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createService, replaceService } from '../queries.js';
import { type NamedServiceValues, namedServiceFields, namedServiceValues, readNamedService } from '../service-form.js';

interface ServiceDialogProps {
  /** The service to change; absent for a new one. */
  readonly service?: NamedService;
  readonly onClose: () => void;
}

/** Makes a named service, or changes what all rules mean that name it, in the draft. */
export function ServiceDialog({ service, onClose }: ServiceDialogProps): ReactNode {
  const tenantId = useTenantId();
  const [initial] = useState(() => namedServiceValues(service, nextKey));
  const { form, failure, refuse, clear } = useProblemForm<NamedServiceValues>(initial, namedServiceFields);
  const save = useWrite((body: NamedServiceInput) =>
    service === undefined ? createService(tenantId, body) : replaceService(tenantId, service, body),
  );
  const submit = (values: NamedServiceValues): void => {
    clear();
    const read = readNamedService(values);
    if ('errors' in read) form.setErrors(read.errors);
    else save.mutate(read.body, { onSuccess: onClose, onError: refuse });
  };
  return (
    <FormDialog
      title={service === undefined ? 'Add service' : `Edit ${service.name}`}
      submit={service === undefined ? 'Add service' : 'Save'}
      size="lg"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit(submit)}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="https" data-autofocus {...form.getInputProps('name')} />
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      <ServicesInput
        label="Protocols and ports"
        add="Add protocol"
        value={form.values.services}
        error={form.errors['services']}
        portsError={(line) => form.errors[`services.${line}.ports`]}
        onChange={(services) => {
          form.setValues({ services });
          form.clearErrors();
        }}
      />
    </FormDialog>
  );
}

import { Group, NumberInput, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Edge } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { writtenAddresses } from '../../edges/uplinks.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createEdge, updateEdge } from '../queries.js';

/** RFC 3948: where ESP in UDP is received unless said otherwise. */
const DEFAULT_PORT = 4500;

interface EdgeDialogProps {
  readonly siteId: string;
  /** The edge to change; absent for a new one. */
  readonly edge?: Edge;
  readonly suggestedName?: string;
  readonly onClose: () => void;
  /** A new edge has no identity yet: the caller goes on to enrollment. */
  readonly onCreated?: (edge: Edge) => void;
}

interface EdgeValues {
  readonly name: string;
  readonly underlayAddress: string;
  /** One on each line, in order of preference. */
  readonly otherUnderlayAddresses: string;
  readonly underlayPort: number | string;
  /** Empty: behind all other edges of the site. */
  readonly preference: number | string;
}

/** Makes or changes an edge. */
export function EdgeDialog({ siteId, edge, suggestedName = '', onClose, onCreated }: EdgeDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm<EdgeValues>({
    name: edge?.name ?? suggestedName,
    underlayAddress: edge?.underlayAddress ?? '',
    otherUnderlayAddresses: (edge?.otherUnderlayAddresses ?? []).join('\n'),
    underlayPort: edge?.underlayPort ?? DEFAULT_PORT,
    preference: edge?.preference ?? '',
  });
  const save = useWrite(({ name, underlayAddress, otherUnderlayAddresses, underlayPort, preference }: EdgeValues) => {
    const port = underlayPort === '' ? DEFAULT_PORT : Number(underlayPort);
    const body = {
      name: name.trim(),
      underlayAddress: underlayAddress.trim(),
      otherUnderlayAddresses: writtenAddresses(otherUnderlayAddresses),
      underlayPort: port,
      ...(preference === '' ? {} : { preference: Number(preference) }),
    };
    return edge === undefined ? createEdge(tenantId, { siteId, ...body }) : updateEdge(tenantId, edge, body);
  });
  const done = (saved: Edge): void => {
    onClose();
    if (edge === undefined) onCreated?.(saved);
  };
  return (
    <FormDialog
      title={edge === undefined ? 'Add edge' : `Edit ${edge.name}`}
      submit={edge === undefined ? 'Add and enroll' : 'Save'}
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: done, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="ams-edge-1" data-autofocus {...form.getInputProps('name')} />
      <Group gap="sm" align="flex-start" wrap="nowrap">
        <TextInput
          flex={1}
          label="Underlay address"
          description="Where the other edges reach it."
          placeholder="203.0.113.7"
          {...form.getInputProps('underlayAddress')}
        />
        <NumberInput
          w={120}
          label="UDP port"
          description="ESP in UDP."
          hideControls
          allowDecimal={false}
          allowNegative={false}
          {...form.getInputProps('underlayPort')}
        />
      </Group>
      <Textarea
        label="Other uplinks"
        description="Where it is too when the first one is dead: up to four addresses, one on each line, preferred first."
        placeholder="198.51.100.7"
        autosize
        minRows={1}
        maxRows={4}
        {...form.getInputProps('otherUnderlayAddresses')}
      />
      <NumberInput
        label="Preference"
        description="Among the edges of the site: traffic goes to the lowest one that answers. Left empty, it comes last."
        min={1}
        max={255}
        allowDecimal={false}
        {...form.getInputProps('preference')}
      />
    </FormDialog>
  );
}

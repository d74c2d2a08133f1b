import { MultiSelect, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { failureOf, type Group, type GroupInput } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import type { MemberNames } from '../describe.js';
import { atFields, type GroupValues, groupValues, readGroup } from '../group-form.js';
import { createGroup, replaceGroup } from '../queries.js';

interface GroupDialogProps {
  /** The group to change; absent for a new one. */
  readonly group?: Group;
  readonly names: MemberNames;
  readonly onClose: () => void;
}

/** Makes a group, or changes it with its members, in the draft. */
export function GroupDialog({ group, names, onClose }: GroupDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse, clear } = useProblemForm<GroupValues>(groupValues(group));
  const save = useWrite((body: GroupInput) =>
    group === undefined ? createGroup(tenantId, body) : replaceGroup(tenantId, group, body),
  );
  const submit = (values: GroupValues): void => {
    clear();
    const read = readGroup(values);
    if ('problems' in read) {
      form.setErrors(read.problems);
      return;
    }
    const { body } = read;
    save.mutate(body, { onSuccess: onClose, onError: (error) => refuse(atFields(failureOf(error), body.members)) });
  };
  return (
    <FormDialog
      title={group === undefined ? 'Add group' : `Edit ${group.name}`}
      submit={group === undefined ? 'Add group' : 'Save'}
      size="lg"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit(submit)}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="branches" data-autofocus {...form.getInputProps('name')} />
      <Textarea label="Description" autosize minRows={1} maxRows={4} {...form.getInputProps('description')} />
      <Choice label="Sites" choices={choicesOf(names.sites)} {...form.getInputProps('sites')} />
      <Choice
        label="Networks"
        choices={choicesOf(names.networks.map(({ id, name, prefix }) => ({ id, name: `${name} ${prefix}` })))}
        {...form.getInputProps('networks')}
      />
      <Choice
        label="External peers"
        choices={choicesOf(names.externalPeers)}
        {...form.getInputProps('externalPeers')}
      />
      <Lines
        label="Sites with labels"
        description="All labels of a line must fit. Sites that get them later are in the group, too."
        placeholder="role=branch, region=emea"
        {...form.getInputProps('siteLabels')}
      />
      <Lines
        label="Networks with labels"
        description="As for sites, one set of labels on each line."
        placeholder="use=office"
        {...form.getInputProps('networkLabels')}
      />
      <Lines
        label="Prefixes"
        description="One on each line."
        placeholder="10.1.0.0/16"
        {...form.getInputProps('prefixes')}
      />
    </FormDialog>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly choices: { readonly value: string; readonly label: string }[];
  readonly value?: string[];
}

function Choice({ label, choices, ...input }: ChoiceProps): ReactNode {
  const empty = choices.length === 0 ? 'there are none yet' : 'none';
  return (
    <MultiSelect
      label={label}
      placeholder={input.value?.length === 0 ? empty : ''}
      data={choices}
      searchable
      clearable
      nothingFoundMessage="Nothing has this name."
      comboboxProps={{ withinPortal: true }}
      {...input}
    />
  );
}

interface LinesProps {
  readonly label: string;
  readonly description: string;
  readonly placeholder: string;
}

function Lines(props: LinesProps): ReactNode {
  return <Textarea autosize minRows={1} maxRows={8} {...props} />;
}

function choicesOf(items: readonly { readonly id: string; readonly name: string }[]): ChoiceProps['choices'] {
  return items.map(({ id, name }) => ({ value: id, label: name })).sort((a, b) => compareNames(a.label, b.label));
}

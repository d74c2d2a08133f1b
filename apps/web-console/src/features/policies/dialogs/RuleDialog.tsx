import { Group, MultiSelect, SegmentedControl, Stack, Switch, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { type Action, failureOf, type Policy, type RuleInput } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { TunnelStartInput } from '../../fabric/components/TunnelStartInput.js';
import { useTenantId } from '../../session/use-tenant.js';
import { withRule } from '../changes.js';
import { ProfileSelect } from '../components/ProfileSelect.js';
import { SelectorInput } from '../components/SelectorInput.js';
import { ServicesInput } from '../components/ServicesInput.js';
import type { Names } from '../describe.js';
import { nextKey } from '../next-key.js';
import { replacePolicy } from '../queries.js';
import { namingServices, type RuleValues, readRule, ruleFields, ruleValues } from '../rule-form.js';

/** BYPASS between sites is refused by the compiler, so it is not offered. */
const ACTIONS: { value: Action; label: string }[] = [
  { value: 'PROTECT', label: 'Protect' },
  { value: 'DISCARD', label: 'Discard' },
];
const ACTION_MEANING: Readonly<Record<Action, string>> = {
  PROTECT: 'Matching traffic goes through an encrypted tunnel.',
  DISCARD: 'Matching traffic is dropped and counted.',
  BYPASS: 'Matching traffic goes in the clear. Not offered between sites: choose another action.',
};

interface RuleDialogProps {
  readonly policy: Policy;
  /** Place of the rule; the number of rules for a new one at the end. */
  readonly index: number;
  readonly names: Names;
  readonly onClose: () => void;
}

/** Makes or changes a rule. */
export function RuleDialog({ policy, index, names, onClose }: RuleDialogProps): ReactNode {
  const tenantId = useTenantId();
  const rule = policy.rules[index];
  const [initial] = useState(() => ruleValues(rule, nextKey));
  const { form, failure, refuse, clear } = useProblemForm<RuleValues>(initial, ruleFields, `/rules/${index}`);
  const save = useWrite((input: RuleInput) => replacePolicy(tenantId, policy, withRule(policy, index, input)));
  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    clear();
    const reading = readRule(form.getValues(), rule?.id);
    if (reading.ok) save.mutate(reading.rule, { onSuccess: onClose, onError: refuse });
    else form.setErrors(reading.errors);
  };
  const { values, errors } = form;
  const set = (change: Partial<RuleValues>): void => {
    form.setValues(change);
    for (const field of Object.keys(change)) form.clearFieldError(field);
  };
  const stale = failure !== undefined && failureOf(failure.error).status === 412;
  return (
    <FormDialog
      title={rule === undefined ? `Add rule to ${policy.name}` : `Edit rule ${index + 1} of ${policy.name}`}
      submit={rule === undefined ? 'Add rule' : 'Save rule'}
      size="lg"
      busy={save.isPending}
      failure={
        failure && (
          <Stack gap="xs">
            <FailureNotice {...failure} />
            {stale && (
              <div className="w-small">Close this dialog to see the newer version, then make the change again.</div>
            )}
          </Stack>
        )
      }
      onSubmit={onSubmit}
      onClose={onClose}
    >
      <Group gap="md" align="flex-end" wrap="nowrap">
        <TextInput
          flex={1}
          label="Name"
          placeholder="Web to the data centre"
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Switch
          mb={8}
          label="Enabled"
          checked={values.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
      </Group>
      <SelectorInput
        label="Sources"
        value={values.sources}
        names={names}
        error={errors['sources']}
        onChange={(sources) => set({ sources })}
      />
      <SelectorInput
        label="Destinations"
        value={values.destinations}
        names={names}
        error={errors['destinations']}
        onChange={(destinations) => set({ destinations })}
      />
      <ServicesInput
        value={values.services}
        error={errors['services']}
        portsError={(line) => errors[`services.${line}.ports`]}
        optional={values.serviceIds.length > 0}
        onChange={(services) => {
          set({ services });
          form.clearErrors();
        }}
      />
      <MultiSelect
        label="Named services"
        description="In addition to the protocols and ports above."
        placeholder={values.serviceIds.length > 0 ? '' : names.services.length === 0 ? 'there are none yet' : 'none'}
        data={names.services
          .map(({ id, name }) => ({ value: id, label: name }))
          .sort((a, b) => compareNames(a.label, b.label))}
        searchable
        clearable
        nothingFoundMessage="No service has this name."
        comboboxProps={{ withinPortal: true }}
        value={[...values.serviceIds]}
        error={errors['serviceIds']}
        onChange={(serviceIds) => {
          set(namingServices(values, serviceIds));
          form.clearErrors();
        }}
      />
      <div>
        <div className="w-label">Action</div>
        <SegmentedControl
          aria-label="Action"
          data={values.action === 'BYPASS' ? [...ACTIONS, { value: 'BYPASS', label: 'Bypass' }] : ACTIONS}
          value={values.action}
          onChange={(action) => set({ action: action as Action })}
        />
        <div className="w-dim w-small w-below">{ACTION_MEANING[values.action]} Answers follow the same rule.</div>
        {errors['action'] != null && <div className="w-field-error">{errors['action']}</div>}
      </div>
      {values.action === 'PROTECT' && (
        <>
          <ProfileSelect
            value={values.profileId}
            error={errors['profileId']}
            onChange={(profileId) => set({ profileId })}
          />
          <TunnelStartInput
            value={values.tunnelStart}
            inherited="As the fabric has it"
            error={errors['tunnelStart']}
            onChange={(tunnelStart) => set({ tunnelStart })}
          />
        </>
      )}
    </FormDialog>
  );
}

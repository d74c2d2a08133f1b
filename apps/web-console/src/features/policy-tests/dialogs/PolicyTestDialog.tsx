import { SegmentedControl, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { PolicyTest, PolicyTestInput } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { SelectorInput } from '../../policies/components/SelectorInput.js';
import { ServicesInput } from '../../policies/components/ServicesInput.js';
import type { Names } from '../../policies/describe.js';
import { nextKey } from '../../policies/next-key.js';
import { type RuleValues, readRule, ruleFields, ruleValues } from '../../policies/rule-form.js';
import { useTenantId } from '../../session/use-tenant.js';
import { savePolicyTest } from '../queries.js';

type Expectation = PolicyTest['expect'];

const EXPECTATIONS: { value: Expectation; label: string }[] = [
  { value: 'allowed', label: 'Must be allowed' },
  { value: 'denied', label: 'Must be denied' },
];

interface PolicyTestDialogProps {
  /** Undefined for a new one. */
  readonly test: PolicyTest | undefined;
  readonly names: Names;
  readonly onClose: () => void;
}

/** Makes or changes a policy test. It has the ends and services of a rule, and what must become of them. */
export function PolicyTestDialog({ test, names, onClose }: PolicyTestDialogProps): ReactNode {
  const tenantId = useTenantId();
  const [initial] = useState(() =>
    ruleValues(
      test === undefined
        ? undefined
        : { ...test, serviceIds: [], profileId: null, tunnelStart: null, action: 'PROTECT', enabled: true },
      nextKey,
    ),
  );
  const [expect, setExpect] = useState<Expectation>(test?.expect ?? 'allowed');
  const { form, failure, refuse, clear } = useProblemForm<RuleValues>(initial, ruleFields);
  const save = useWrite((input: PolicyTestInput) => savePolicyTest(tenantId, test, input));
  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    clear();
    const reading = readRule(form.getValues(), undefined);
    if (!reading.ok) {
      form.setErrors(reading.errors);
      return;
    }
    const { name, sources, destinations, services } = reading.rule;
    const input = { name, description: test?.description ?? '', sources, destinations, services, expect };
    save.mutate(input, { onSuccess: onClose, onError: refuse });
  };
  const { values, errors } = form;
  const set = (change: Partial<RuleValues>): void => {
    form.setValues(change);
    for (const field of Object.keys(change)) form.clearFieldError(field);
  };
  return (
    <FormDialog
      title={test === undefined ? 'Add policy test' : `Edit ${test.name}`}
      submit={test === undefined ? 'Add policy test' : 'Save policy test'}
      size="lg"
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={onSubmit}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        placeholder="Branches reach the database"
        data-autofocus
        {...form.getInputProps('name')}
      />
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
        onChange={(services) => {
          set({ services });
          form.clearErrors();
        }}
      />
      <div>
        <div className="w-label">Expectation</div>
        <SegmentedControl
          aria-label="Expectation"
          data={EXPECTATIONS}
          value={expect}
          onChange={(value) => setExpect(value as Expectation)}
        />
        <div className="w-dim w-small w-below">
          Every packet from a source to a destination that opens such a flow. A draft that breaks this is not published.
        </div>
      </div>
    </FormDialog>
  );
}

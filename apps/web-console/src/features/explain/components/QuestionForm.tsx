import { Button, NativeSelect, NumberInput, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Explanation } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { revisionsQuery } from '../../revisions/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { EARLIER, explain, hasPorts, type Question } from '../queries.js';

const PROTOCOLS = [
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
  { value: 'icmp', label: 'ICMP' },
  { value: 'icmpv6', label: 'ICMPv6' },
];
const NOTHING: Question = {
  source: '',
  destination: '',
  protocol: 'tcp',
  sourcePort: '',
  destinationPort: 443,
  revision: '',
  earlier: '',
};

/** Asks for a packet by its five-tuple. */
export function QuestionForm({
  onAnswer,
}: {
  readonly onAnswer: (answer: Explanation | undefined) => void;
}): ReactNode {
  const tenantId = useTenantId();
  const revisions = useQuery(revisionsQuery(tenantId)).data;
  const { form, failure, refuse, clear } = useProblemForm<Question>(NOTHING);
  const question = useMutation({
    mutationFn: (values: Question) => explain(tenantId, values),
    onSuccess: (answer) => {
      clear();
      onAnswer(answer);
    },
    onError: (error) => {
      refuse(error);
      onAnswer(undefined);
    },
  });
  // The list is of the newest; those before it are asked for by their number.
  const oldest = revisions?.next == null ? undefined : revisions.items.at(-1)?.number;
  const ports = hasPorts(form.getValues().protocol);
  return (
    <form className="w-question" onSubmit={form.onSubmit((values) => question.mutate(values))}>
      <TextInput label="From address" placeholder="10.1.0.7" {...form.getInputProps('source')} />
      <TextInput label="To address" placeholder="10.2.0.9" {...form.getInputProps('destination')} />
      <NativeSelect label="Protocol" data={PROTOCOLS} {...form.getInputProps('protocol')} />
      {ports && (
        <>
          <NumberInput label="To port" min={0} max={65_535} {...form.getInputProps('destinationPort')} />
          <NumberInput
            label="From port"
            placeholder="49152"
            min={0}
            max={65_535}
            {...form.getInputProps('sourcePort')}
          />
        </>
      )}
      <NativeSelect
        label="By"
        data={[
          { value: '', label: 'the draft' },
          ...(revisions?.items ?? []).map(({ number, comment }) => ({
            value: String(number),
            label: `revision ${number}${comment === '' ? '' : `: ${comment}`}`,
          })),
          ...(oldest === undefined ? [] : [{ value: EARLIER, label: 'an earlier revision…' }]),
        ]}
        {...form.getInputProps('revision')}
      />
      {oldest !== undefined && form.getValues().revision === EARLIER && (
        <NumberInput
          label="Revision"
          placeholder={`1 to ${oldest - 1}`}
          min={1}
          max={oldest - 1}
          allowDecimal={false}
          required
          withAsterisk={false}
          {...form.getInputProps('earlier')}
        />
      )}
      <Button type="submit" loading={question.isPending}>
        Explain
      </Button>
      {failure !== undefined && (
        <div className="w-question-failure">
          <FailureNotice {...failure} />
        </div>
      )}
    </form>
  );
}

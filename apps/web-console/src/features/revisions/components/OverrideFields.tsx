import { Checkbox, Textarea } from '@mantine/core';
import type { ReactNode } from 'react';

/** The shortest reason that the controller takes. */
export const SHORTEST_REASON = 10;

interface OverrideFieldsProps {
  /** Undefined: nobody wants to override. */
  readonly reason: string | undefined;
  readonly onChange: (reason: string | undefined) => void;
}

/** To publish although a proof fails: first the wish, then the reason. */
export function OverrideFields({ reason, onChange }: OverrideFieldsProps): ReactNode {
  return (
    <section className="w-override">
      <Checkbox
        label="Publish although this fails"
        description="Your name and the reason are kept with the revision and in the audit log, for good."
        checked={reason !== undefined}
        onChange={(event) => onChange(event.currentTarget.checked ? '' : undefined)}
      />
      {reason !== undefined && (
        <Textarea
          label="Reason"
          description={`At least ${SHORTEST_REASON} characters.`}
          required
          minLength={SHORTEST_REASON}
          maxLength={1000}
          autosize
          minRows={2}
          maxRows={5}
          data-autofocus
          value={reason}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </section>
  );
}

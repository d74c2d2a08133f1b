import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Tenant, TunnelStart } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { changeTunnelStart } from '../queries.js';
import { readTunnelStart, sameTunnelStart, type TunnelStartValues, tunnelStartValues } from '../tunnel-start.js';
import { TunnelStartInput } from './TunnelStartInput.js';

interface TunnelStartFormProps {
  readonly tenant: Tenant;
  /** Why the draft cannot be published with it. */
  readonly problems: readonly string[];
  /** Whether the reader may only look. */
  readonly locked: boolean;
}

/** When edges negotiate the tunnels that no rule says it of. */
export function TunnelStartForm({ tenant, problems, locked }: TunnelStartFormProps): ReactNode {
  const { form, failure, refuse, clear } = useProblemForm<TunnelStartValues>(tunnelStartValues(tenant.tunnelStart));
  const save = useWrite((start: TunnelStart) => changeTunnelStart(tenant.id, start));
  const read = readTunnelStart(form.getValues());
  const start = read.ok ? read.start : null;
  const changed = start === null || !sameTunnelStart(start, tenant.tunnelStart);
  const submit = (): void => {
    clear();
    if (start !== null) save.mutate(start, { onError: refuse });
  };
  return (
    <form className="w-settings" data-form="tunnel-start" onSubmit={form.onSubmit(submit)}>
      <div className="w-setting" data-setting="tunnelStart">
        <TunnelStartInput
          value={form.getValues()}
          error={read.ok ? problems.length > 0 && !changed && problems.join(' ') : read.reason}
          locked={locked}
          onChange={(values) => form.setValues(values)}
        />
      </div>
      {failure !== undefined && <FailureNotice {...failure} />}
      {!locked && (
        <div className="w-topology-foot">
          <Button type="submit" loading={save.isPending} disabled={!changed || !read.ok}>
            Save the start of tunnels to the draft
          </Button>
          <Button variant="default" disabled={!changed || save.isPending} onClick={form.reset}>
            Take back
          </Button>
          <span className="w-none">
            {changed
              ? 'The start of tunnels is not saved.'
              : 'The start of tunnels is saved. Rules may have their own.'}
          </span>
        </div>
      )}
    </form>
  );
}

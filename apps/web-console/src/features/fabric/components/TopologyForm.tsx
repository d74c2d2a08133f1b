import { Button, Radio } from '@mantine/core';
import type { ReactNode } from 'react';
import { failureOf, type Site, type Topology, type TopologyInput } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { replaceTopology } from '../queries.js';
import { differs, readTopology, TOPOLOGIES, type TopologyValues, topologyValues } from '../topology-form.js';
import { TopologySites } from './TopologySites.js';

interface TopologyFormProps {
  readonly tenantId: string;
  readonly topology: Topology;
  readonly sites: readonly Site[];
  /** Why the draft cannot be published with it. */
  readonly problems: readonly string[];
  /** Whether the reader may only look. */
  readonly locked: boolean;
}

/** Which sites have tunnels with each other: the kind, and the sites that it names. */
export function TopologyForm({ tenantId, topology, sites, problems, locked }: TopologyFormProps): ReactNode {
  const { form, failure, refuse, clear } = useProblemForm<TopologyValues>(topologyValues(topology.topology));
  const save = useWrite((body: TopologyInput) => replaceTopology(tenantId, topology, body));
  const values = form.getValues();
  const read = readTopology(values);
  const changed = differs(topology, values);
  const submit = (): void => {
    clear();
    if ('body' in read) save.mutate(read.body, { onError: refuse });
  };
  const stale = failure !== undefined && failureOf(failure.error).status === 412;
  return (
    <form className="w-settings" data-form="topology" onSubmit={form.onSubmit(submit)}>
      <Radio.Group
        className="w-setting"
        data-setting="topology"
        label="Topology"
        description="Which sites have tunnels with each other. The draft says where rules allow something and no way leads there."
        error={problems.length > 0 && problems.join(' ')}
        value={values.kind}
        onChange={(next) => {
          const choice = TOPOLOGIES.find(({ value }) => value === next);
          if (choice !== undefined) form.setFieldValue('kind', choice.value);
        }}
      >
        <div className="w-setting-choices">
          {TOPOLOGIES.map(({ value, label, meaning }) => (
            <Radio key={value} value={value} disabled={locked} label={label} description={meaning} />
          ))}
        </div>
        <TopologySites values={values} sites={sites} locked={locked} onChange={(part) => form.setValues(part)} />
      </Radio.Group>
      {failure !== undefined && <FailureNotice {...failure} />}
      {stale && <div className="w-small">Take back to see the newer version, then make the change again.</div>}
      {!locked && (
        <div className="w-topology-foot">
          <Button type="submit" loading={save.isPending} disabled={!changed || 'problem' in read}>
            Save the topology to the draft
          </Button>
          <Button variant="default" disabled={!changed || save.isPending} onClick={form.reset}>
            Take back
          </Button>
          <span className="w-none">
            {!changed ? 'The topology is saved.' : 'problem' in read ? read.problem : 'The topology is not saved.'}
          </span>
        </div>
      )}
    </form>
  );
}

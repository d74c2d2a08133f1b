import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { failureOf, type Tenant } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { draftDiffQuery, draftQuery } from '../../revisions/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { changeSettings } from '../queries.js';
import {
  type ChosenSettings,
  changeOf,
  draftProblems,
  encapsulationNote,
  type FabricSettings,
  inForce,
  NOTHING_CHOSEN,
  SETTING_NAMES,
  settingsWith,
} from '../settings.js';
import { SettingField } from './SettingField.js';

interface SettingsFormProps {
  readonly tenant: Tenant;
  /** Whether the reader may only look. */
  readonly locked: boolean;
}

/** Every setting with what can be chosen, and what the draft has to say about the choice. */
export function SettingsForm({ tenant, locked }: SettingsFormProps): ReactNode {
  const { form, failure, refuse, clear } = useProblemForm<ChosenSettings>(NOTHING_CHOSEN);
  const [seen, setSeen] = useState(tenant);
  const save = useWrite((change: Partial<FabricSettings>) => changeSettings(seen, change));
  const { problems, published } = useDraft();
  const chosen = form.getValues();
  const settings = settingsWith(tenant, chosen);
  const change = changeOf(tenant, chosen);
  const stale = failure !== undefined && failureOf(failure.error).status === 412;
  // What is chosen is chosen in view of what was there at the first choice.
  const look = (): void => {
    if (Object.keys(change).length === 0) setSeen(tenant);
  };
  const reset = (): void => {
    form.reset();
    clear();
  };
  return (
    <form
      className="w-settings"
      onSubmit={form.onSubmit(() => save.mutate(change, { onSuccess: reset, onError: refuse }))}
    >
      {SETTING_NAMES.map((name) => (
        <SettingField
          key={name}
          name={name}
          value={settings[name]}
          published={published[name]}
          error={form.errors[name]}
          problems={name in change ? [] : (problems[name] ?? [])}
          note={name === 'encapsulation' ? encapsulationNote(settings) : undefined}
          locked={locked}
          onChange={(value) => {
            look();
            form.setFieldValue(name, value);
          }}
        />
      ))}
      {failure !== undefined && <FailureNotice {...failure} />}
      {stale && <div className="w-small">Undo to see the newer version, then make the change again.</div>}
      {!locked && <SettingsFoot changes={Object.keys(change).length} busy={save.isPending} onUndo={reset} />}
    </form>
  );
}

interface SettingsFootProps {
  /** How many are not saved. */
  readonly changes: number;
  readonly busy: boolean;
  readonly onUndo: () => void;
}

function SettingsFoot({ changes, busy, onUndo }: SettingsFootProps): ReactNode {
  return (
    <div className="w-settings-foot">
      <Button type="submit" loading={busy} disabled={changes === 0}>
        Save to the draft
      </Button>
      <Button variant="default" disabled={changes === 0 || busy} onClick={onUndo}>
        Undo
      </Button>
      <span className="w-none">
        {changes === 0
          ? 'Nothing to save.'
          : `${plural(changes, 'change')} not saved. Edges go on as they are until the next revision is published.`}
      </span>
    </div>
  );
}

/** What the draft says about the settings in it, and what runs of those that it changes. */
function useDraft() {
  const tenantId = useTenantId();
  const draft = useQuery(draftQuery(tenantId)).data;
  const problems = draft?.problems ?? [];
  // A draft that does not compile has no consequences to read, and one of an earlier version cannot be asked for any more.
  const comparable = draft?.changed === true && problems.length === 0;
  const diff = useQuery({
    ...draftDiffQuery(tenantId, draft?.version ?? ''),
    enabled: comparable,
    staleTime: 'static',
  }).data;
  return { problems: draftProblems(problems), published: inForce(comparable ? diff : undefined) };
}

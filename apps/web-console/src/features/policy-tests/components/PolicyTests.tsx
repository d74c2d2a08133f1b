import { ActionIcon, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Draft, PolicyTest } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { DeleteIcon, EditIcon, PlusIcon } from '../../../ui/icons.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { useWrite } from '../../../ui/use-write.js';
import { describeSelector, describeService, type Names } from '../../policies/describe.js';
import { draftQuery } from '../../revisions/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { PolicyTestDialog } from '../dialogs/PolicyTestDialog.js';
import { deletePolicyTest, policyTestsQuery } from '../queries.js';

type Open = { readonly dialog: 'edit' | 'delete'; readonly test: PolicyTest } | { readonly dialog: 'add' };

/** What must hold whatever the rules become, and whether it does in the draft. */
export function PolicyTests({ names }: { readonly names: Names }): ReactNode {
  const tenantId = useTenantId();
  const tests = useQuery(policyTestsQuery(tenantId)).data?.items ?? [];
  const draft = useQuery(draftQuery(tenantId)).data;
  const [open, setOpen] = useState<Open>();
  const close = (): void => setOpen(undefined);
  return (
    <section className="w-card w-policy-tests" aria-label="Policy tests">
      <h2>
        Policy tests
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<PlusIcon size={14} />}
          onClick={() => setOpen({ dialog: 'add' })}
        >
          Add policy test
        </Button>
      </h2>
      {tests.length === 0 ? (
        <p className="w-none">
          Say what must hold whatever the rules become: “branches reach the database”, “guests reach nothing”. A draft
          that breaks it is not published.
        </p>
      ) : (
        <ul className="w-list">
          {tests.map((test) => (
            <li key={test.id} data-policy-test={standing(test, draft)}>
              <ToneIcon tone={TONES[standing(test, draft)]} />
              <span className="w-strong">{test.name}</span>
              <span className="w-dim">{sentenceOf(test, names)}</span>
              <span className="w-push">{WORDS[standing(test, draft)]}</span>
              <ActionIcon
                variant="subtle"
                aria-label={`Edit policy test ${test.name}`}
                onClick={() => setOpen({ dialog: 'edit', test })}
              >
                <EditIcon size={15} />
              </ActionIcon>
              <ActionIcon
                variant="subtle"
                aria-label={`Delete policy test ${test.name}`}
                onClick={() => setOpen({ dialog: 'delete', test })}
              >
                <DeleteIcon size={15} />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      {open?.dialog === 'add' && <PolicyTestDialog test={undefined} names={names} onClose={close} />}
      {open?.dialog === 'edit' && <PolicyTestDialog test={open.test} names={names} onClose={close} />}
      {open?.dialog === 'delete' && <DeleteTestDialog test={open.test} onClose={close} />}
    </section>
  );
}

function DeleteTestDialog({ test, onClose }: { readonly test: PolicyTest; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deletePolicyTest(tenantId, test));
  return (
    <ConfirmDialog
      title={`Delete ${test.name}`}
      confirm="Delete policy test"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      Nothing that edges do changes. Drafts may break from now on what it says.
    </ConfirmDialog>
  );
}

type Standing = 'holds' | 'fails' | 'unknown';

/** A draft that does not compile says nothing of its tests. */
function standing(test: PolicyTest, draft: Draft | undefined): Standing {
  if (draft === undefined || draft.problems.length > 0) return 'unknown';
  return draft.findings.some(({ policyTestId }) => policyTestId === test.id) ? 'fails' : 'holds';
}

function sentenceOf({ sources, destinations, services, expect }: PolicyTest, names: Names): string {
  const list = (selectors: PolicyTest['sources']) => selectors.map((each) => describeSelector(each, names)).join(', ');
  const what = services.map(describeService).join(', ');
  return `${list(sources)} → ${list(destinations)}, ${what}: ${expect}`;
}

const TONES = { holds: 'up', fails: 'warning', unknown: 'idle' } as const;
const WORDS = { holds: 'Holds', fails: 'Fails in the draft', unknown: 'Not known' } as const;

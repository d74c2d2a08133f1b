import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Draft } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { PublishIcon, WarningIcon } from '../../../ui/icons.js';
import { useTenantId } from '../../session/use-tenant.js';
import { PublishDialog } from '../dialogs/PublishDialog.js';
import { draftQuery } from '../queries.js';

/** Says on every page that the intent differs from what runs, and what publishing it would touch. */
export function DraftBar(): ReactNode {
  const { data: draft } = useQuery(draftQuery(useTenantId()));
  const [publishing, setPublishing] = useState(false);
  const waiting =
    draft?.approvalRequired === true && !draft.approvals.some(({ restoredFrom }) => restoredFrom === null);
  return (
    <>
      {draft?.changed === true && (
        <div className="w-draft-bar" data-problems={isBlocked(draft)}>
          {isBlocked(draft) ? <WarningIcon size={16} aria-hidden /> : <PublishIcon size={16} aria-hidden />}
          <b>Unpublished changes</b>
          <span>
            {consequence(draft)}
            {waiting && ' Waits for the approval of a second person.'}
          </span>
          <Button
            size="compact-sm"
            variant={isBlocked(draft) ? 'default' : 'filled'}
            onClick={() => setPublishing(true)}
          >
            {isBlocked(draft) ? 'See what is wrong' : 'Review and publish'}
          </Button>
        </div>
      )}
      {publishing && <PublishDialog onClose={() => setPublishing(false)} />}
    </>
  );
}

function isBlocked({ problems, findings }: Draft): boolean {
  return problems.length + findings.length > 0;
}

function consequence({ problems, findings, affectedEdges }: Draft): string {
  if (problems.length > 0) return `${plural(problems.length, 'problem')} to solve before they can be published.`;
  if (findings.length > 0)
    return `${findings.length === 1 ? '1 proof fails' : `${findings.length} proofs fail`}: they cannot be published as they are.`;
  if (affectedEdges.length === 0) return 'No edge has to change anything.';
  const names = affectedEdges.map(({ edgeName }) => edgeName);
  const shown = names.slice(0, 3).join(', ');
  return `${plural(names.length, 'edge')} affected: ${shown}${names.length > 3 ? ` and ${names.length - 3} more` : ''}.`;
}

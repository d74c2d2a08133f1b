import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Webhook } from '../../api/index.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { WebhookIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { Deliveries } from './components/Deliveries.js';
import { WebhookActions } from './components/WebhookActions.js';
import { WebhookFacts } from './components/WebhookFacts.js';
import { webhooksQuery } from './queries.js';
import { causeText, webhookMark } from './wording.js';

/** One webhook: how it is, what it gets, and what came of what it got. */
export function WebhookPage(): ReactNode {
  const { webhookId } = useParams({ from: '/signed-in/webhooks/$webhookId' });
  const { data, error, isPending } = useQuery(webhooksQuery(useTenantId()));
  if (isPending) return <TableSkeleton rows={3} rowHeight={120} />;
  if (data === undefined) return <FailureNotice error={error} />;
  const webhook = data.items.find(({ id }) => id === webhookId);
  return webhook === undefined ? <NoWebhook /> : <WebhookDetail webhook={webhook} />;
}

function WebhookDetail({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const cause = causeText(webhook);
  return (
    <>
      <PageHeader title={webhook.name} summary={<StateMark {...webhookMark(webhook)} />}>
        <WebhookActions webhook={webhook} />
      </PageHeader>
      {cause !== null && (
        <div className="w-reason" role="status">
          {cause} What waits stays: resume it, and it is delivered.
        </div>
      )}
      <section className="w-card">
        <h2>Webhook</h2>
        <WebhookFacts webhook={webhook} />
      </section>
      <Deliveries webhook={webhook} />
    </>
  );
}

function NoWebhook(): ReactNode {
  return (
    <EmptyNotice
      icon={<WebhookIcon size={28} />}
      title="There is no such webhook"
      action={<LinkButton to="/webhooks">Go to webhooks</LinkButton>}
    >
      It may have been deleted meanwhile.
    </EmptyNotice>
  );
}

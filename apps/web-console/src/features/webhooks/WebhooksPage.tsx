import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Webhook } from '../../api/index.js';
import { compareNames } from '../../lib/compare.js';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PlusIcon, WebhookIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { RelativeTime } from '../../ui/RelativeTime.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { ownRole } from '../access/roles.js';
import { sessionQuery } from '../session/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { WebhookDialog } from './dialogs/WebhookDialog.js';
import { webhooksQuery } from './queries.js';
import { causeText, typeLabel, typesText, webhookMark } from './wording.js';

/** Who is told of events: for the admins of the tenant. */
export function WebhooksPage(): ReactNode {
  const session = useQuery(sessionQuery).data;
  if (session === undefined) return null;
  if (ownRole(session) !== 'admin') {
    return <PageHeader title="Webhooks" summary="Only admins of the tenant have events delivered elsewhere" />;
  }
  return <Webhooks />;
}

function Webhooks(): ReactNode {
  const { data, error } = useQuery(webhooksQuery(useTenantId()));
  const [adding, setAdding] = useState(false);
  const items = data?.items ?? [];
  const on = items.filter(({ enabled }) => enabled).length;
  return (
    <>
      <PageHeader title="Webhooks" summary={data === undefined ? ' ' : `${plural(items.length, 'webhook')}, ${on} on`}>
        <Button leftSection={<PlusIcon size={15} />} onClick={() => setAdding(true)}>
          Add webhook
        </Button>
      </PageHeader>
      {data === undefined && (error === null ? <TableSkeleton rows={3} /> : <FailureNotice error={error} />)}
      {data !== undefined && items.length === 0 && (
        <EmptyNotice icon={<WebhookIcon size={28} />} title="No webhooks yet">
          A webhook has what happens in this tenant delivered to a URL, signed: a tunnel that goes down, a revision that
          is published, an authority that is about to end.
        </EmptyNotice>
      )}
      {items.length > 0 && <WebhookTable webhooks={items} />}
      {adding && <WebhookDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function WebhookTable({ webhooks }: { readonly webhooks: readonly Webhook[] }): ReactNode {
  return (
    <table className="w-table w-webhooks">
      <thead>
        <tr>
          <th>Webhook</th>
          <th>State</th>
          <th>Delivers to</th>
          <th>Events</th>
          <th>Changed</th>
        </tr>
      </thead>
      <tbody>
        {webhooks
          .toSorted((a, b) => compareNames(a.name, b.name))
          .map((webhook) => (
            <WebhookRow key={webhook.id} webhook={webhook} />
          ))}
      </tbody>
    </table>
  );
}

function WebhookRow({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const cause = causeText(webhook);
  return (
    <tr data-webhook={webhook.name}>
      <td>
        <Link to="/webhooks/$webhookId" params={{ webhookId: webhook.id }} className="w-strong">
          {webhook.name}
        </Link>
      </td>
      <td>
        <StateMark {...webhookMark(webhook)} />
        {cause !== null && (
          <div className="w-row-reason" title={cause}>
            {cause}
          </div>
        )}
      </td>
      <td className="w-webhook-url">
        <code>{webhook.url}</code>
      </td>
      <td title={webhook.types.map(typeLabel).join(', ')}>{typesText(webhook.types)}</td>
      <td>
        <RelativeTime at={webhook.updatedAt} />
      </td>
    </tr>
  );
}

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Webhook, WebhookDelivery } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { StateMark } from '../../../ui/StateMark.js';
import { TableSkeleton } from '../../../ui/TableSkeleton.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { DELIVERIES_SHOWN, deliveriesQuery, redeliver } from '../queries.js';
import { answerText, deliveryMark, typeLabel } from '../wording.js';

/** The newest deliveries of a webhook, with what came of each. */
export function Deliveries({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const tenantId = useTenantId();
  const { data, error } = useQuery(deliveriesQuery(tenantId, webhook.id));
  const again = useWrite((delivery: WebhookDelivery) => redeliver(tenantId, webhook, delivery), { announce: true });
  return (
    <section className="w-deliveries" aria-label="Recent deliveries">
      <h2>Recent deliveries</h2>
      {data === undefined && (error === null ? <TableSkeleton rows={4} /> : <FailureNotice error={error} />)}
      {data?.items.length === 0 && (
        <p className="w-none">
          Nothing was delivered yet.{webhook.enabled && ' Send a test to see whether it gets through.'}
        </p>
      )}
      {data !== undefined && data.items.length > 0 && (
        <table className="w-table">
          <thead>
            <tr>
              <th>What</th>
              <th>When</th>
              <th>State</th>
              <th className="w-right">Attempts</th>
              <th>Answer</th>
              <th>Last attempt</th>
              <th>Next attempt</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {data.items.map((delivery) => (
              <DeliveryRow
                key={delivery.id}
                delivery={delivery}
                onAgain={webhook.enabled ? () => again.mutate(delivery) : undefined}
              />
            ))}
          </tbody>
        </table>
      )}
      {data?.next !== undefined && data.next !== null && (
        <p className="w-dim">The newest {DELIVERIES_SHOWN} are listed; there are older ones.</p>
      )}
    </section>
  );
}

interface DeliveryRowProps {
  readonly delivery: WebhookDelivery;
  /** Undefined: nothing is delivered now. */
  readonly onAgain: (() => void) | undefined;
}

function DeliveryRow({ delivery, onAgain }: DeliveryRowProps): ReactNode {
  const { id, type, createdAt, attempts, lastAttemptAt, nextAttemptAt, status } = delivery;
  const label = typeLabel(type);
  return (
    <tr data-delivery={id} data-status={status}>
      <td title={`${type}, webhook-id ${id}`}>{label}</td>
      <td>
        <RelativeTime at={createdAt} />
      </td>
      <td>
        <StateMark {...deliveryMark(delivery)} />
      </td>
      <td className="w-right w-numeric">{attempts}</td>
      <td className="w-wrap">{answerText(delivery) ?? <span className="w-dim">–</span>}</td>
      <td>
        <RelativeTime at={lastAttemptAt} />
      </td>
      <td>
        <RelativeTime at={nextAttemptAt} />
      </td>
      <td className="w-right">
        {onAgain !== undefined && (
          <Button size="compact-xs" variant="subtle" onClick={onAgain} aria-label={`Deliver ${label} again`}>
            Deliver again
          </Button>
        )}
      </td>
    </tr>
  );
}

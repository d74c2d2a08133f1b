import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { TrustedItem } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { RelativeTime } from '../../ui/RelativeTime.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { trustQuery } from './queries.js';
import { CONDITION_LABELS, CONDITION_TONES, endingOf, endText, KIND_LABELS, REASON_LABELS } from './wording.js';

/** What the edges of the tenant trust: until when, who depends on it, and what to do before it ends. */
export function TrustPage(): ReactNode {
  const { data, error } = useQuery(trustQuery(useTenantId()));
  const ending = endingOf(data?.items ?? []);
  const summary = ending.length === 0 ? 'Nothing is about to end' : ending.map(endText).join(' ');
  return (
    <>
      <PageHeader title="Trust" summary={data === undefined ? ' ' : summary} />
      {data === undefined ? (
        error === null ? (
          <TableSkeleton rows={5} />
        ) : (
          <FailureNotice error={error} />
        )
      ) : (
        <table className="w-table w-trust">
          <thead>
            <tr>
              <th>What</th>
              <th>State</th>
              <th>Ends</th>
              <th>Edges that depend on it</th>
              <th>What to do</th>
            </tr>
          </thead>
          <tbody>
            {data.items.map((item) => (
              <TrustRow key={item.kind} item={item} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function TrustRow({ item }: { readonly item: TrustedItem }): ReactNode {
  const { name, purpose } = KIND_LABELS[item.kind];
  return (
    <tr data-trusted={item.kind} data-condition={item.condition}>
      <td>
        <div className="w-strong">{name}</div>
        <div className="w-dim w-small">{purpose}</div>
        {item.fingerprint !== null && (
          <div className="w-dim w-small w-fingerprint" title={item.fingerprint}>
            SHA-256 {item.fingerprint.slice(0, 16)}…
          </div>
        )}
      </td>
      <td>
        <StateMark tone={CONDITION_TONES[item.condition]} label={CONDITION_LABELS[item.condition]} />
        {item.raisedAt !== null && (
          <div className="w-dim w-small">
            Told <RelativeTime at={item.raisedAt} />
          </div>
        )}
      </td>
      <td>
        <RelativeTime at={item.notAfter} absent="never" />
        {item.condition === 'valid' && item.alarmFrom !== null && (
          <div className="w-dim w-small">
            Alarm <RelativeTime at={item.alarmFrom} />
          </div>
        )}
      </td>
      <td>
        <Dependents item={item} />
      </td>
      <td className="w-remedy">{item.remedy ?? <span className="w-dim">Nothing</span>}</td>
    </tr>
  );
}

function Dependents({ item }: { readonly item: TrustedItem }): ReactNode {
  const { dependents, dependentCount, kind } = item;
  if (dependentCount === 0) return <span className="w-dim">None</span>;
  return (
    <details>
      <summary>{plural(dependentCount, 'edge')}</summary>
      <ul className="w-dependents">
        {dependents.map(({ edgeId, edgeName, reason }) => (
          <li key={edgeId}>
            <Link to="/edges/$edgeId" params={{ edgeId }}>
              {edgeName}
            </Link>
            {kind === 'previous_root' && <span className="w-dim"> {REASON_LABELS[reason]}</span>}
          </li>
        ))}
        {dependentCount > dependents.length && <li className="w-dim">and {dependentCount - dependents.length} more</li>}
      </ul>
    </details>
  );
}

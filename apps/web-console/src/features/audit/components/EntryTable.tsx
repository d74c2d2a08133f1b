import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AuditEntry } from '../../../api/index.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { actionLabel, detailsText } from '../describe.js';
import type { AuditConditions } from '../search.js';

interface EntryTableProps {
  readonly entries: readonly AuditEntry[];
  readonly conditions: AuditConditions;
}

/** Entries of the log. A name leads to what else the same user did, under the same conditions. */
export function EntryTable({ entries, conditions }: EntryTableProps): ReactNode {
  return (
    <table className="w-table">
      <thead>
        <tr>
          <th className="w-right">Entry</th>
          <th>When</th>
          <th>Who</th>
          <th>What</th>
          <th>Details</th>
          <th>Hash</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.sequence} data-audit-entry={entry.sequence}>
            <td className="w-right w-numeric">{entry.sequence}</td>
            <td>
              <RelativeTime at={entry.at} />
            </td>
            <td>
              <Link to="/audit" search={{ ...conditions, actor: entry.actor }} className="w-strong">
                {entry.actor}
              </Link>
            </td>
            <td>{actionLabel(entry.action)}</td>
            <td className="w-wrap">{detailsText(entry.details)}</td>
            <td className="w-dim w-fingerprint" title={entry.hash}>
              {entry.hash.slice(0, 12)}…
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

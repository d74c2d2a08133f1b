import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import { sentence } from '../api/field-errors.js';
import { failureOf, type ProblemEntry } from '../api/index.js';
import { WarningIcon } from './icons.js';

interface FailureNoticeProps {
  readonly error: unknown;
  /** Entries to list; those that a form shows at its fields are left out by the caller. */
  readonly entries?: readonly ProblemEntry[];
}

/** A refusal or a failure, with the controller's detail, what to do about it, and the request to look for in the log. */
export function FailureNotice({ error, entries }: FailureNoticeProps): ReactNode {
  const failure = failureOf(error);
  const listed = entries ?? failure.errors;
  // A refusal for one reason has that as its detail; once is enough, with what to do about it.
  const said = listed.some((entry) => sentence(entry).startsWith(failure.detail.replace(/\.$/, '')));
  return (
    <Alert color="red" variant="light" icon={<WarningIcon size={18} />} title={failure.title} className="w-failure">
      {!said && <div>{failure.detail}</div>}
      {listed.length > 0 && (
        <ul>
          {listed.map((entry) => (
            <li key={`${entry.pointer} ${entry.rule} ${entry.detail}`}>
              {sentence(entry)} {entry.pointer !== '' && <code>{entry.pointer}</code>}
            </li>
          ))}
        </ul>
      )}
      {failure.requestId !== null && failure.requestId !== '' && (
        <div className="w-dim w-small">Request {failure.requestId}</div>
      )}
    </Alert>
  );
}

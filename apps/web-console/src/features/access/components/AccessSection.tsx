import type { ReactNode } from 'react';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { TableSkeleton } from '../../../ui/TableSkeleton.js';

interface AccessSectionProps {
  readonly title: string;
  /** What the things below are, for who meets them the first time. */
  readonly lead: string;
  readonly action?: ReactNode;
  /** Why they cannot be read; null while they can. */
  readonly failure: unknown;
  readonly loaded: boolean;
  readonly children: ReactNode;
}

/** One kind of thing that lets somebody in. */
export function AccessSection({ title, lead, action, failure, loaded, children }: AccessSectionProps): ReactNode {
  return (
    <section className="w-access" aria-label={title}>
      <header className="w-access-head">
        <div>
          <h2>{title}</h2>
          <p className="w-none">{lead}</p>
        </div>
        {action}
      </header>
      {loaded ? children : failure === null ? <TableSkeleton rows={2} /> : <FailureNotice error={failure} />}
    </section>
  );
}

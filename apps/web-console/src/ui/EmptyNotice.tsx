import type { ReactNode } from 'react';

interface EmptyNoticeProps {
  readonly icon: ReactNode;
  readonly title: string;
  /** Why it is empty and what to do next. */
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

/** What a page shows instead of an empty table: the next step. */
export function EmptyNotice({ icon, title, children, action }: EmptyNoticeProps): ReactNode {
  return (
    <section className="w-empty">
      <div className="w-empty-icon" aria-hidden>
        {icon}
      </div>
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </section>
  );
}

import type { ReactNode } from 'react';

interface PageHeaderProps {
  readonly title: ReactNode;
  readonly summary?: ReactNode;
  readonly children?: ReactNode;
}

/** Title of a page, a line about what is on it, and its actions. */
export function PageHeader({ title, summary, children }: PageHeaderProps): ReactNode {
  return (
    <header className="w-page-header">
      <div className="w-page-heading">
        <h1>{title}</h1>
        {summary !== undefined && <div className="w-page-summary">{summary}</div>}
      </div>
      <div className="w-page-actions">{children}</div>
    </header>
  );
}

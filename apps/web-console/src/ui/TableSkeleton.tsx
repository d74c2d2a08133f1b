import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';

/** Grey rows of the height that the real ones will have, so that nothing jumps when they arrive. */
export function TableSkeleton({
  rows = 4,
  rowHeight = 44,
}: {
  readonly rows?: number;
  readonly rowHeight?: number;
}): ReactNode {
  return (
    <div className="w-skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => `row ${row}`).map((key) => (
        <Skeleton key={key} height={rowHeight} radius="sm" />
      ))}
    </div>
  );
}

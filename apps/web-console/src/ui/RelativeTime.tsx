import { Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatExact, formatRelative } from '../lib/format-time.js';
import { useNow } from './use-now.js';

/** A relative time that keeps itself current, with the exact one on hover and for assistive technology. */
export function RelativeTime({
  at,
  absent = '–',
}: {
  readonly at: string | null;
  readonly absent?: string;
}): ReactNode {
  const now = useNow();
  if (at === null) return <span className="w-dim">{absent}</span>;
  const then = Date.parse(at);
  return (
    <Tooltip label={formatExact(then)}>
      <time dateTime={at} className="w-numeric">
        {formatRelative(then, now)}
      </time>
    </Tooltip>
  );
}

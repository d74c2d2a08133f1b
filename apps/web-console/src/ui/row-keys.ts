import type { KeyboardEvent } from 'react';

/** Arrow keys move between the focusable rows of a table body, Home and End to its ends. */
export function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('tr[tabindex]')];
  const here = rows.findIndex((row) => event.target instanceof Node && row.isSameNode(event.target));
  if (here < 0) return;
  const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  const row = there === undefined ? undefined : rows[there];
  if (row === undefined) return;
  event.preventDefault();
  row.focus();
}

import { type ReactNode, useState } from 'react';
import { ArrowDownIcon, ArrowUpIcon, SortIcon } from './icons.js';

export interface Sorting<Column extends string> {
  readonly column: Column;
  readonly descending: boolean;
}

export interface Sorter<Column extends string, Row> extends Sorting<Column> {
  /** Sorts by a column; a second call turns it round. */
  readonly by: (column: Column) => void;
  readonly apply: (rows: readonly Row[]) => Row[];
}

/** Order of a table by one column, with a comparison per column. Ties keep their order. */
export function useSorter<Column extends string, Row>(
  comparisons: Readonly<Record<Column, (a: Row, b: Row) => number>>,
  initial: Sorting<Column>,
): Sorter<Column, Row> {
  const [sorting, setSorting] = useState(initial);
  return {
    ...sorting,
    by: (column) =>
      setSorting((before) => ({ column, descending: before.column === column ? !before.descending : false })),
    apply: (rows) => {
      const sign = sorting.descending ? -1 : 1;
      return [...rows].sort((a, b) => sign * comparisons[sorting.column](a, b));
    },
  };
}

interface SortableHeaderProps<Column extends string> {
  readonly column: Column;
  readonly sorter: Sorting<Column> & { readonly by: (column: Column) => void };
  readonly children: ReactNode;
  readonly numeric?: boolean;
}

/** A column head that sorts, and says so to assistive technology. */
export function SortableHeader<Column extends string>(props: SortableHeaderProps<Column>): ReactNode {
  const { column, sorter, children, numeric = false } = props;
  const active = sorter.column === column;
  const Icon = active ? (sorter.descending ? ArrowDownIcon : ArrowUpIcon) : SortIcon;
  return (
    <th
      className={numeric ? 'w-right' : ''}
      aria-sort={active ? (sorter.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" className="w-sort" data-active={active} onClick={() => sorter.by(column)}>
        {children}
        <Icon size={12} aria-hidden />
      </button>
    </th>
  );
}

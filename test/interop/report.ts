/** One run of a scenario. */
export interface Row {
  readonly group: string;
  readonly initiator: string;
  readonly result: 'passed' | 'failed' | 'skipped';
}

/** Passed of all, by group and by who initiated. */
export function table(rows: readonly Row[]): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const cell = (group: string, initiator: string) => {
    const some = rows.filter((row) => row.group === group && row.initiator === initiator);
    return some.length === 0 ? '-' : `${some.filter(({ result }) => result === 'passed').length} of ${some.length}`;
  };
  const lines = groups.map((group) => [group, cell(group, 'us'), cell(group, 'peer')]);
  return [['', 'we initiate', 'the peer initiates'], ...lines]
    .map(([name = '', us = '', peer = '']) => `${name.padEnd(16)}${us.padStart(12)}${peer.padStart(20)}`)
    .join('\n');
}

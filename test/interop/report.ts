import { writeFileSync } from 'node:fs';

/** One run of a scenario. */
export interface Row {
  readonly group: string;
  readonly initiator: string;
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly why?: string;
}

/** What `npm test` adds up: see tools/repository/tally-reporter.mjs. */
export interface Tally {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly why: string }[];
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

export function tallyOf(rows: readonly Row[]): Tally {
  const of = (result: Row['result']) =>
    rows.filter((row) => row.result === result).map(({ title, why = '' }) => ({ name: title, why: firstLine(why) }));
  return { passed: of('passed').length, failed: of('failed'), skipped: of('skipped') };
}

/** To the file that WEFT_TALLY names, if it does. */
export function writeTally(tally: Tally): void {
  const file = process.env['WEFT_TALLY'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(tally));
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

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 200);
}

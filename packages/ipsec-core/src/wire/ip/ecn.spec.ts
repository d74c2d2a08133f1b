import { describe, expect, it } from 'vitest';
import { decapsulateEcn, ECN, ecnAnomaly } from './ecn.js';

const CODEPOINT = { 'Not-ECT': ECN.notEct, 'ECT(0)': ECN.ect0, 'ECT(1)': ECN.ect1, CE: ECN.ce, '<drop>': -1 } as const;
const ALARM = { '(!!!)': 'dangerous', '(!)': 'possibly_dangerous' } as const;

/** RFC 6040 figure 4 as printed. */
const FIGURE_4 = `
  |         | Not-ECT | ECT(0)     | ECT(1)     |     CE     |
  | Not-ECT | Not-ECT |Not-ECT(!!!)|Not-ECT(!!!)| <drop>(!!!)|
  |  ECT(0) |  ECT(0) | ECT(0)     | ECT(1)     |     CE     |
  |  ECT(1) |  ECT(1) | ECT(1) (!) | ECT(1)     |     CE     |
  |    CE   |      CE |     CE     |     CE(!!!)|     CE     |`;

const [heading, ...rows] = FIGURE_4.trim()
  .split('\n')
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const codepoint = (name: string | undefined) => CODEPOINT[name as keyof typeof CODEPOINT];
const table = rows.flatMap(([inner, ...cells]) =>
  cells.map((cell, column) => {
    const [, outgoing, alarm] = /^(\S+?) ?(\(!+\))?$/.exec(cell) ?? [];
    return [inner, heading?.[column + 1], outgoing, alarm] as const;
  }),
);

describe('ECN decapsulation (RFC 6040 section 4.2)', () => {
  it('reads all 16 cells of the figure', () => expect(table).toHaveLength(16));

  it.each(table)('inner %s, outer %s: forwards %s %s', (inner, outer, outgoing, alarm) => {
    const cell = [codepoint(inner), codepoint(outer)] as const;
    expect(cell).not.toContain(undefined);
    expect(decapsulateEcn(...cell)).toBe(codepoint(outgoing));
    expect(ecnAnomaly(...cell)).toBe(alarm === undefined ? undefined : ALARM[alarm as keyof typeof ALARM]);
  });
});

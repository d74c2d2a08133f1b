import { describe, expect, it } from 'vitest';
import { flowsOf, LAB_TOPOLOGY } from '../topology/topology.js';
import { makeProgress } from './progress.js';
import { trafficTable } from './table.js';

function record(isTTY: boolean): { output: { isTTY: boolean; write(text: string): void }; text: () => string } {
  let text = '';
  return {
    output: {
      isTTY,
      write: (more) => {
        text += more;
      },
    },
    text: () => text,
  };
}

describe('progress', () => {
  it('is plain lines where nobody can see a line change', () => {
    const { output, text } = record(false);
    let now = 0.04;
    const progress = makeProgress(output, () => now);
    progress.begin('First');
    now = 1.25;
    progress.begin('Second');
    progress.fail('Failed');
    expect(text()).toBe('   0.0 s  First\n   1.3 s  Second\n   1.3 s  Failed\n');
  });

  it('leaves one marked line per step on a terminal', () => {
    const { output, text } = record(true);
    const progress = makeProgress(output, () => 2);
    progress.begin('First');
    progress.note('By the way');
    progress.begin('Second');
    progress.fail('Failed');
    const lines = text()
      .split('\n')
      .map((line) => line.split('\u001b[2K').at(-1));
    expect(lines).toEqual(['   2.0 s  By the way', '   2.0 s ✓ First', '   2.0 s ✗ Second', '']);
  });
});

it('the table lines up and says what did not match', () => {
  const [flow] = flowsOf(LAB_TOPOLOGY);
  const transfer = { mebibytes: 64, megabitsPerSecond: 1234.5, sha256Match: false, problem: 'short' };
  expect(trafficTable([{ flow: flow!, pings: { sent: 20, received: 7 }, transfer }])).toBe(
    ['direction       inner  pings  MiB  Mb/s  SHA-256', 'berlin → paris  IPv4    7/20   64  1235  MISMATCH'].join(
      '\n',
    ),
  );
});

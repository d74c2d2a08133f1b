import { describe, expect, it } from 'vitest';
import { LabError } from '../lab-error.js';
import { requirementsError, SandboxError } from '../sandbox/sandbox-error.js';
import { explain } from './explanation.js';

const noEvidence = { process: undefined, lastLogLines: [], logDirectory: undefined };

describe('the explanation of a failure', () => {
  it('is what is missing and nothing else when nothing was started', () => {
    const missing = [{ what: 'No tun.', repair: 'sudo modprobe tun', otherwise: undefined }];
    expect(explain(new LabError('Looking', requirementsError(missing), noEvidence))).toBe(
      'Nothing was started, because this machine lacks something that the lab needs.\n\nNo tun.\n    sudo modprobe tun',
    );
  });

  it('names the step, the reason, the end of the log that tells it, and where all logs are', () => {
    const cause = new SandboxError({ code: 'call', process: 'paris-edge' }, '"paris-edge" ended (exit code 1).');
    const evidence = { process: 'paris-edge', lastLogLines: ['one', 'two'], logDirectory: '/tmp/logs' };
    expect(explain(new LabError('Edges in sync', cause, evidence))).toBe(
      [
        'The lab failed at "Edges in sync".\n"paris-edge" ended (exit code 1).',
        'The last lines of paris-edge:\n  one\n  two',
        'All logs: /tmp/logs',
      ].join('\n\n'),
    );
  });

  it('shows where an error of ours comes from', () => {
    expect(explain(new TypeError('oops'))).toMatch(/^TypeError: oops\n {4}at /);
  });
});

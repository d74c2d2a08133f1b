import { describe, expect, it } from 'vitest';
import { PROOF_MILLISECONDS, Trial } from './trial.js';

const LIMIT = 120_000;

function onTrial(limitMilliseconds = LIMIT) {
  const timers: { at: number; run: () => void }[] = [];
  const outcomes: string[] = [];
  let now = 0;
  const trial = new Trial({
    limitMilliseconds,
    after: (milliseconds, run) => {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
    },
    onConfirmed: () => outcomes.push('confirmed'),
    onExpired: () => outcomes.push('expired'),
  });
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (;;) {
      const due = timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) return;
      timers.splice(timers.indexOf(due), 1);
      due.run();
    }
  };
  return { trial, outcomes, pass, timers };
}

describe('a bundle on trial', () => {
  it('stays when the session that brought it outlives a keepalive', () => {
    const { trial, outcomes, pass, timers } = onTrial();
    trial.begin(true);
    pass(PROOF_MILLISECONDS - 1);
    expect(outcomes).toEqual([]);
    pass(1);
    expect([outcomes, timers, trial.running]).toEqual([['confirmed'], [], false]);
  });

  it('is over when no session lives nor comes in time, and then only', () => {
    const { trial, outcomes, pass, timers } = onTrial();
    trial.begin(true);
    trial.sessionEnded();
    pass(LIMIT - 1);
    expect([outcomes, trial.running]).toEqual([[], true]);
    pass(1);
    expect([outcomes, timers]).toEqual([['expired'], []]);
    trial.confirm();
    expect(outcomes).toEqual(['expired']);
  });

  it('stays when a session begins after it', () => {
    const { trial, outcomes, pass } = onTrial();
    trial.begin(false);
    pass(LIMIT - 1);
    trial.confirm();
    pass(LIMIT);
    expect(outcomes).toEqual(['confirmed']);
  });

  it('begins anew with the next one, and ends without an outcome with the agent', () => {
    const { trial, outcomes, pass } = onTrial();
    trial.begin(false);
    pass(LIMIT - 1);
    trial.begin(false);
    pass(LIMIT - 1);
    trial.stop();
    pass(LIMIT);
    expect(outcomes).toEqual([]);
  });

  it('is none without a limit', () => {
    const { trial, outcomes, timers } = onTrial(0);
    trial.begin(true);
    expect([outcomes, timers, trial.running]).toEqual([['confirmed'], [], false]);
  });
});

import { describe, expect, it } from 'vitest';
import { serviceManager } from './service-manager.js';

function managed(environment: Readonly<Record<string, string>>) {
  const sent: string[] = [];
  const timers: { milliseconds: number; run: () => void; cancelled: boolean }[] = [];
  const warned: unknown[] = [];
  const manager = serviceManager({
    environment,
    pid: 7,
    log: { warn: (...line: unknown[]) => warned.push(line) } as never,
    after: (milliseconds, run) => {
      const timer = { milliseconds, run, cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
    open: (path) => {
      if (path !== '/run/notify') throw new Error('ENOENT');
      return { send: (text) => sent.push(text), close: () => sent.push('closed') };
    },
  });
  return { manager, sent, timers, warned };
}

describe('the service manager', () => {
  it('is told that the agent is ready, and again and again that it is alive, until it stops', () => {
    const { manager, sent, timers } = managed({
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: '7',
    });
    expect([sent, timers]).toEqual([[], []]);
    manager.ready('one\nline');
    expect(sent).toEqual(['READY=1\nSTATUS=one line', 'WATCHDOG=1']);
    for (let beat = 0; beat < 3; beat++) {
      expect(timers.at(-1)?.milliseconds).toBe(10_000);
      timers.at(-1)?.run();
    }
    expect(sent.filter((text) => text === 'WATCHDOG=1')).toHaveLength(4);
    manager.stopping();
    expect(sent.slice(-2)).toEqual(['STOPPING=1', 'closed']);
    expect(timers.at(-1)?.cancelled).toBe(true);
  });

  it.each([
    ['nothing of it is said', {}],
    ['it is another process that is meant', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }],
  ])('waits for no sign of life when %s', (_, environment) => {
    const { manager, sent, timers } = managed({ NOTIFY_SOCKET: '/run/notify', ...environment });
    manager.ready('up');
    expect(sent).toEqual(['READY=1\nSTATUS=up']);
    expect(timers).toEqual([]);
  });

  it('is nobody where there is none, and where its socket is gone the agent runs all the same', () => {
    const alone = managed({});
    alone.manager.ready('up');
    alone.manager.stopping();
    expect([alone.sent, alone.warned]).toEqual([[], []]);
    const gone = managed({ NOTIFY_SOCKET: '/run/elsewhere' });
    gone.manager.ready('up');
    expect(gone.sent).toEqual([]);
    expect(gone.warned).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { TunnelStart } from '../../api/index.js';
import {
  describeTunnelStart,
  readTunnelStart,
  sameTunnelStart,
  tunnelStartProblems,
  tunnelStartValues,
} from './tunnel-start.js';

const EVERY: readonly (TunnelStart | null)[] = [
  null,
  { kind: 'start' },
  { kind: 'trap' },
  { kind: 'trap', idleSeconds: 10 },
  { kind: 'trap', idleSeconds: 2_592_000 },
];

describe('when tunnels start', () => {
  it.each(EVERY)('%o comes out of its form as it went in, and is like no other', (start) => {
    expect(readTunnelStart(tunnelStartValues(start))).toEqual({ ok: true, start });
    expect(EVERY.filter((other) => sameTunnelStart(start, other))).toEqual([start]);
  });

  it.each(['9', '2592001', '10.5', '-10', 'ten', '1e3'])('has no idle time of %s seconds', (idleSeconds) => {
    expect(readTunnelStart({ kind: 'trap', idleSeconds })).toMatchObject({ ok: false });
    // What is not shown is not asked.
    expect(readTunnelStart({ kind: 'start', idleSeconds })).toEqual({ ok: true, start: { kind: 'start' } });
  });

  it('is said in words, and what is wrong with the tenant its own', () => {
    expect(EVERY.flatMap((start) => (start === null ? [] : [describeTunnelStart(start)]))).toEqual([
      'starts at once',
      'waits for traffic, then stays',
      'waits for traffic, ends after 10 s without',
      'waits for traffic, ends after 2592000 s without',
    ]);
    const problem = (pointer: string) => ({
      pointer,
      rule: 'trap_without_negotiation',
      detail: 'No.',
      fix: 'Mend it.',
    });
    expect(
      tunnelStartProblems([problem('/tunnelStart'), problem('/policies/0/rules/0/tunnelStart'), problem('/topology')]),
    ).toEqual(['No. Mend it.']);
  });
});

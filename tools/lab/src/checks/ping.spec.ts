import { describe, expect, it } from 'vitest';
import { parsePing } from './ping.js';

describe('parsePing', () => {
  it.each([
    ['20 packets transmitted, 20 received, 0% packet loss, time 191ms', { sent: 20, received: 20 }],
    ['20 packets transmitted, 0 received, +3 errors, 100% packet loss, time 191ms', { sent: 20, received: 0 }],
    ['7 packets transmitted, 6 packets received, 14.3% packet loss', { sent: 7, received: 6 }],
  ])('reads "%s"', (line, expected) => {
    expect(parsePing(`PING 10.2.0.10\n\n--- statistics ---\n${line}\n`)).toEqual(expected);
  });

  it('does not take silence for success', () => {
    expect(() => parsePing('connect: Network is unreachable')).toThrow(/Network is unreachable/);
  });
});

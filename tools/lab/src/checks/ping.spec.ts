import { describe, expect, it } from 'vitest';
import { parseCountedPing, parseEndlessPing, parsePing } from './ping.js';

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

describe('parseCountedPing', () => {
  const run = (sequences: readonly number[], sent: number) =>
    [
      'PING 10.2.0.10 (10.2.0.10) 56(84) bytes of data.',
      ...sequences.map((sequence) => `64 bytes from 10.2.0.10: icmp_seq=${sequence} ttl=62 time=0.4 ms`),
      `--- statistics ---\n${sent} packets transmitted, ${sequences.length} received, 0% packet loss, time 1ms`,
    ].join('\n');

  it.each([
    ['all answered', [1, 2, 3], 3, { sent: 3, received: 3 }],
    ['the last answer is late, more were sent meanwhile', [1, 2, 3], 9, { sent: 3, received: 3 }],
    ['one is lost, another took its place', [1, 3, 4], 4, { sent: 3, received: 2 }],
    ['one answer came twice', [1, 1, 2], 3, { sent: 3, received: 2 }],
    ['none is answered before the deadline', [], 500, { sent: 3, received: 0 }],
    ['interrupted', [1], 1, { sent: 1, received: 1 }],
  ])('%s', (_, sequences, sent, expected) => {
    expect(parseCountedPing(run(sequences, sent), 3)).toEqual(expected);
  });

  it('reads IPv6, and is not misled by errors', () => {
    const output = `64 bytes from fd81:0:0:3::10: icmp_seq=1 ttl=62 time=34.4 ms
From 10.1.0.2 icmp_seq=2 Destination Host Unreachable
2 packets transmitted, 1 received, +1 errors, 50% packet loss, time 454ms`;
    expect(parseCountedPing(output, 2)).toEqual({ sent: 2, received: 1 });
  });
});

describe('parseEndlessPing', () => {
  const run = (sequences: readonly number[], sent: number) =>
    [
      'PING 10.2.0.10 (10.2.0.10) 56(84) bytes of data.',
      ...sequences.map(
        (sequence) => `[17.${sequence}] 64 bytes from 10.2.0.10: icmp_seq=${sequence} ttl=62 time=0.4 ms`,
      ),
      `--- statistics ---\n${sent} packets transmitted, ${sequences.length} received, 0% packet loss, time 1ms`,
    ].join('\n');

  it.each([
    ['all answered', [1, 2, 3], 3, { answeredAt: [17_100, 17_200, 17_300], lost: [] }],
    ['three are on their way', [1, 2], 5, { answeredAt: [17_100, 17_200], lost: [] }],
    ['two are lost', [1, 4, 5], 5, { answeredAt: [17_100, 17_400, 17_500], lost: [2, 3], gap: [17_100, 17_400] }],
    ['one overtook another', [2, 1], 2, { answeredAt: [17_200, 17_100], lost: [] }],
    ['none is answered', [], 3, { answeredAt: [], lost: [] }],
  ])('%s', (_, sequences, sent, expected) => {
    expect(parseEndlessPing(run(sequences, sent))).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { describedPacket } from './described-packet.js';

const words = (text: string) => describedPacket(text.split(' '));

describe('a packet in words', () => {
  it.each([
    ['10.1.0.7 10.2.0.9', { protocol: 'icmp' }],
    ['2001:db8::1 2001:db8::2', { protocol: 'icmpv6' }],
    ['10.1.0.7 10.2.0.9 tcp 443', { protocol: 'tcp', destinationPort: 443 }],
    ['10.1.0.7:5000 10.2.0.9 udp 53', { source: '10.1.0.7', sourcePort: 5000, destinationPort: 53 }],
    ['[2001:db8::1]:5000 2001:db8::2 tcp 0', { source: '2001:db8::1', sourcePort: 5000, destinationPort: 0 }],
    ['10.1.0.7 10.2.0.9 47', { protocol: '47' }],
  ])('%s', (text, packet) => {
    expect(words(text)).toMatchObject(packet);
  });

  it.each([
    '10.1.0.7',
    '10.1.0.7 2001:db8::1',
    '10.1.0.7 10.2.0.9:443 tcp',
    '10.1.0.300 10.2.0.9',
    '10.1.0.7 10.2.0.9 tcp 65536',
    '10.1.0.7 10.2.0.9 tcp https',
    '10.1.0.7 10.2.0.9 tcp 443 1400',
  ])('refuses %s', (text) => {
    expect(() => words(text)).toThrow('the packet cannot be asked about');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAB_TOPOLOGY } from '../topology/topology.js';
import { classifyPacket } from './classify.js';
import { innerTrafficOf, PLAINTEXT_MARKER } from './inner-traffic.js';

const inner = innerTrafficOf(LAB_TOPOLOGY);
const UNDERLAY = ['198.51.100.2', '203.0.113.2'] as const;
const INNER4 = ['10.1.0.10', '10.2.0.10'] as const;
const INNER6 = ['fd5e8a103c7100010000000000000010', 'fd5e8a103c7100030000000000000010'] as const;

function octets(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

function ipv4(protocol: number, [source, destination]: readonly [string, string], payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[9] = protocol;
  octets(source).copy(header, 12);
  octets(destination).copy(header, 16);
  return Buffer.concat([header, payload]);
}

function ipv6(next: number, [source, destination]: readonly [string, string], payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  return Buffer.concat([header, Buffer.from(source, 'hex'), Buffer.from(destination, 'hex'), payload]);
}

function udp(port: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(port, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

const judge = (packet: Buffer, etherType = 0x0800) => classifyPacket(packet, etherType, inner);
const espPayload = (body: Buffer) => Buffer.concat([Buffer.from('0badcafe00000001', 'hex'), body]);

describe('classifyPacket', () => {
  it('counts ESP in UDP with unreadable contents as ESP and as nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 1400 }), (body) => {
        expect(judge(ipv4(17, UNDERLAY, udp(4500, espPayload(Buffer.from(body)))))).toEqual({
          esp: true,
          cleartext: undefined,
        });
      }),
    );
  });

  it.each([
    ['an IPv4 packet from an inner address', ipv4(17, ['10.1.0.10', '198.51.100.1'], udp(9, Buffer.alloc(0))), 0x0800],
    ['an IPv4 packet to an inner address', ipv4(1, ['198.51.100.1', '10.2.0.77'], Buffer.alloc(8)), 0x0800],
    ['an IPv6 packet between inner hosts', ipv6(17, INNER6, udp(9, Buffer.alloc(0))), 0x86dd],
    ['IPv4 in IPv4', ipv4(4, UNDERLAY, ipv4(17, ['10.1.0.10', '192.0.2.9'], Buffer.alloc(8))), 0x0800],
    ['IPv6 in IPv4', ipv4(41, UNDERLAY, ipv6(59, INNER6, Buffer.alloc(0))), 0x0800],
    [
      'an ICMP error quoting an inner packet',
      ipv4(
        1,
        UNDERLAY,
        Buffer.concat([Buffer.from('0301000000000000', 'hex'), ipv4(6, ['10.1.0.10', '8.8.8.8'], Buffer.alloc(8))]),
      ),
      0x0800,
    ],
    ['ARP for an inner address', Buffer.concat([Buffer.alloc(24), octets('10.1.0.1')]), 0x0806],
  ])('counts %s', (_name, packet, etherType) => {
    expect(judge(packet, etherType).cleartext).toBe('inner-address-in-header');
  });

  it('counts the marker wherever it stands, in ESP too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.uint8Array({ maxLength: 400 }), (before, after) => {
        const body = Buffer.concat([before, Buffer.from(PLAINTEXT_MARKER), after]);
        expect(judge(ipv4(17, UNDERLAY, udp(4500, espPayload(body))))).toEqual({ esp: true, cleartext: 'marker' });
        expect(judge(ipv4(6, UNDERLAY, body)).cleartext).toBe('marker');
      }),
    );
  });

  it('catches ESP that carries an inner packet without encrypting it', () => {
    for (const packet of [ipv4(17, INNER4, Buffer.alloc(64)), ipv6(17, INNER6, Buffer.alloc(64))]) {
      expect(judge(ipv4(17, UNDERLAY, udp(4500, espPayload(packet))))).toEqual({
        esp: true,
        cleartext: 'inner-address-in-payload',
      });
    }
  });

  it('leaves the control channel, IKE and keepalives alone', () => {
    for (const payload of [Buffer.alloc(40), Buffer.from([0xff])]) {
      expect(judge(ipv4(17, UNDERLAY, udp(4500, payload)))).toEqual({ esp: false, cleartext: undefined });
    }
    expect(judge(ipv4(6, ['192.0.2.2', '198.51.100.2'], Buffer.alloc(200, 7)))).toEqual({
      esp: false,
      cleartext: undefined,
    });
  });

  it('never throws on truncated packets', () => {
    const whole = [ipv4(41, UNDERLAY, ipv6(58, INNER6, Buffer.alloc(60, 1))), ipv6(1, INNER6, Buffer.alloc(20))];
    for (const packet of whole) {
      for (let length = 0; length < packet.length; length += 1) {
        for (const etherType of [0x0800, 0x86dd, 0x0806]) judge(packet.subarray(0, length), etherType);
      }
    }
  });
});

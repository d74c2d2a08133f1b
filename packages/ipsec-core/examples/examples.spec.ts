import { randomFillSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../test/support/packets.js';
import { VECTORS_ABSENT, vectorFolder } from '../test/support/vectors.js';
import { decryptCapture } from './decrypt-capture.js';
import { explainPacket } from './explain-packet.js';
import { makeCapture } from './make-capture.js';
import { PcapError, readPcap, writePcap } from './pcap.js';
import { createAssociation, createEngine, twoEngines } from './two-engines.js';

const random = (out: Uint8Array) => void randomFillSync(out);
const PACKET = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 80) });

describe('examples', () => {
  it('two engines exchange a tunnel-mode and a transport-mode packet', () => {
    expect(twoEngines(random, PACKET)).toEqual([
      'tunnel: transmit, 100 octets become 156',
      'tunnel: deliver, unchanged',
      'transport: transmit, 100 octets become 136',
      'transport: deliver, unchanged',
    ]);
  });

  it('a capture is decrypted: tunnel, transport, AH, in UDP, and once more', () => {
    const { file, associations } = makeCapture(random, PACKET);
    const inside = '10.1.0.1 > 10.2.0.2 protocol 17, 100 octets';
    expect(decryptCapture(file, associations)).toEqual([
      `1: 192.0.2.1 > 192.0.2.2 protocol 50, 156 octets: ${inside}`,
      `2: 10.1.0.1 > 10.2.0.2 protocol 50, 136 octets: ${inside}`,
      `3: 10.1.0.1 > 10.2.0.2 protocol 51, 128 octets: ${inside}`,
      `4: 192.0.2.1 > 192.0.2.2 protocol 17, 164 octets: ${inside}`,
      '5: 192.0.2.1 > 192.0.2.2 protocol 17, 164 octets: replayed',
    ]);
    const others = associations.map((association) => ({ ...association, spi: association.spi + 0x100 }));
    expect(decryptCapture(file, others).every((line) => line.endsWith('unknown_spi'))).toBe(true);
  });

  it('a packet is explained octet by octet', () => {
    const engine = createEngine(random, '10.1.0.0/16', '10.2.0.0/16');
    engine.install({ ...createAssociation('tunnel', random), direction: 'outbound' }, 0);
    expect(explainPacket(engine, PACKET, 1)).toEqual([
      'transmit',
      'decided by entry e1 of rule branch',
      'esp tunnel aes-gcm-16 of a-b, SPI 0x1000, number 1',
      '100 payload + 20 ipHeader + 8 header + 8 iv + 2 padding + 2 trailer + 16 icv = 156 octets',
    ]);
    const stranger = ipPacket({ source: '10.9.0.1', destination: '10.2.0.2' });
    expect(explainPacket(engine, stranger, 1)).toEqual(['discard: no_policy']);
  });
});

describe('captures', () => {
  it('are read back as they were written', () => {
    const packet = fc.record({
      timestamp: fc.nat({ max: 2 ** 31 }),
      octets: fc.uint8Array({ maxLength: 100 }),
    });
    fc.assert(
      fc.property(fc.array(packet), (packets) => {
        expect(readPcap(writePcap(packets))).toEqual(packets);
      }),
    );
  });

  it('that are cut off or something else are refused, whatever they hold', () => {
    const whole = writePcap([{ timestamp: 0, octets: PACKET }]);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.nat({ max: whole.length - 1 }).map((at) => whole.slice(0, at)),
        ),
        (file) => {
          try {
            readPcap(file);
            expect(file.length).toBe(24);
          } catch (error) {
            expect(error).toBeInstanceOf(PcapError);
          }
        },
      ),
    );
  });

  it('of other tools are read: little-endian, Ethernet', (ctx) => {
    const folder = vectorFolder();
    if (folder === undefined) return ctx.skip(VECTORS_ABSENT);
    const file = join(folder, 'pcap/espudp1.pcap');
    if (!existsSync(file)) return ctx.skip(`${file} is absent`);
    const packets = readPcap(readFileSync(file));
    expect(packets).toHaveLength(8);
    expect(decryptCapture(readFileSync(file), [])[0]).toBe(
      '1: 192.1.2.23 > 192.1.2.45 protocol 17, 144 octets: unknown_spi',
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBlocks } from './packet-blocks.js';

interface Packet {
  readonly etherType: number;
  readonly octets: Uint8Array;
}

/** The kernel's side of a ring: fills the block it is at with some packets and hands it over, or drops them all. */
class Kernel {
  readonly view: DataView;
  #block = 0;

  constructor(blocks: number) {
    this.view = new DataView(new ArrayBuffer(blocks * BLOCK));
  }

  /** @returns false when the block is still the reader's. */
  handOver(packets: readonly Packet[]): boolean {
    const start = this.#block * BLOCK;
    if (this.view.getUint32(start + 8, true) !== 0) return false;
    let header = 48;
    this.view.setUint32(start + 12, packets.length, true);
    this.view.setUint32(start + 16, header, true);
    for (const [index, { etherType, octets }] of packets.entries()) {
      const size = (NETWORK_LAYER + octets.length + 7) & ~7;
      const last = index === packets.length - 1;
      this.view.setUint32(start + header, last ? 0 : size, true);
      this.view.setUint32(start + header + 12, octets.length, true);
      this.view.setUint16(start + header + 26, NETWORK_LAYER, true);
      this.view.setUint16(start + header + 50, etherType, false);
      new Uint8Array(this.view.buffer).set(octets, start + header + NETWORK_LAYER);
      header += size;
    }
    this.view.setUint32(start + 8, 1, true);
    this.#block = (this.#block + 1) % (this.view.byteLength / BLOCK);
    return true;
  }
}

const packet = fc.record({
  etherType: fc.constantFrom(0x0800, 0x0806, 0x86dd),
  octets: fc.uint8Array({ minLength: 1, maxLength: 100 }),
});
const step = fc.oneof(
  fc.record({ packets: fc.array(packet, { maxLength: 8 }) }),
  fc.record({ reads: fc.integer({ min: 1, max: 12 }) }),
);

describe('the blocks of a packet ring', () => {
  it('give every packet that the kernel handed over, whole, once and in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (blocks, steps) => {
        const kernel = new Kernel(blocks);
        const reader = new PacketBlocks(kernel.view, BLOCK);
        const waiting: Packet[] = [];
        const readOne = () => {
          const expected = waiting.shift();
          expect(reader.next()).toBe(expected !== undefined);
          if (expected === undefined) return;
          const octets = new Uint8Array(kernel.view.buffer, reader.offset, reader.length);
          expect({ etherType: reader.etherType, octets: octets.slice() }).toEqual(expected);
        };
        for (const each of steps) {
          if ('packets' in each) {
            if (kernel.handOver(each.packets)) waiting.push(...each.packets);
          } else {
            for (let count = 0; count < each.reads; count++) readOne();
          }
        }
        for (let left = waiting.length; left >= 0; left--) readOne();
        // Everything read, everything given back: all blocks are the kernel's again.
        for (let block = 0; block < blocks; block++) expect(kernel.handOver([])).toBe(true);
      }),
    );
  });

  it('keep the octets of a packet until the next one is asked for', () => {
    const kernel = new Kernel(1);
    const reader = new PacketBlocks(kernel.view, BLOCK);
    kernel.handOver([{ etherType: 0x0800, octets: Uint8Array.of(1, 2, 3) }]);
    expect(reader.next()).toBe(true);
    expect(kernel.handOver([])).toBe(false);
    expect(reader.next()).toBe(false);
    expect(kernel.handOver([])).toBe(true);
  });
});

const BLOCK = 4_096;
const NETWORK_LAYER = 96;

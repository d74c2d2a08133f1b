import { describe, expect, it } from 'vitest';
import { EspNumbers } from './esp-numbers.js';

const esp = (spi: number, sequence: number, iv: number): Buffer => {
  const packet = Buffer.alloc(60);
  packet.writeUInt32BE(spi, 0);
  packet.writeUInt32BE(sequence, 4);
  packet.writeBigUInt64BE(BigInt(iv), 8);
  return packet;
};

describe('the numbers of ESP packets', () => {
  it('are found to repeat with an association, whatever the sequence number says, and not over several', () => {
    const numbers = new EspNumbers();
    numbers.take('192.0.2.1', esp(0x1000, 1, 1));
    numbers.take('192.0.2.1', esp(0x1000, 2, 2));
    numbers.take('192.0.2.1', esp(0x2000, 1, 1));
    numbers.take('198.51.100.1', esp(0x1000, 1, 1));
    expect(numbers.report()).toEqual({ packets: 4, associations: 3, repeated: [] });
    numbers.take('192.0.2.1', esp(0x1000, 3, 2));
    expect(numbers.report().repeated).toEqual(['SPI 0x1000 to 192.0.2.1, sequence number 3']);
  });
});

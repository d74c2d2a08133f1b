import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../test/support/packets.js';
import { twoEngines } from './two-engines.js';

describe('examples', () => {
  it('two engines exchange a tunnel-mode and a transport-mode packet', () => {
    const packet = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 80) });
    expect(twoEngines((out) => void randomFillSync(out), packet)).toEqual([
      'tunnel: transmit, 100 octets become 156',
      'tunnel: deliver, unchanged',
      'transport: transmit, 100 octets become 136',
      'transport: deliver, unchanged',
    ]);
  });
});

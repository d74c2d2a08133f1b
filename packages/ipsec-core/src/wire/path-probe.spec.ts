import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../bytes/hex.js';
import { PATH_PROBE, readPathProbe, writePathProbe } from './path-probe.js';

describe('probes of the path MTU', () => {
  it('have this form', () => {
    const payload = new Uint8Array(18).fill(0xff);
    writePathProbe(payload, 'probe', { token: 0x01020304, size: 1500 });
    expect(payload).toEqual(fromHex('776566742d706d74' + '01' + '01' + '05dc' + '01020304' + '0000'));
  });

  it('are read as they were written, at any place', () => {
    const kinds = fc.constantFrom('probe' as const, 'answer' as const);
    const values = [
      fc.nat({ max: 0xffff_ffff }),
      fc.nat({ max: 0xffff }),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
    ] as const;
    fc.assert(
      fc.property(kinds, ...values, (kind, token, size, offset, more) => {
        const octets = new Uint8Array(offset + PATH_PROBE.length + more);
        writePathProbe(octets.subarray(offset), kind, { token, size });
        expect(readPathProbe(octets, offset, PATH_PROBE.length + more)).toEqual({ kind, token, size });
      }),
    );
  });

  it('are told from whatever else fills the line', () => {
    const whole = new Uint8Array(PATH_PROBE.length);
    writePathProbe(whole, 'answer', { token: 1, size: 2 });
    expect(readPathProbe(whole, 0, PATH_PROBE.length - 1)).toBeUndefined();
    for (let at = 0; at < PATH_PROBE.size; at++) {
      const other = whole.slice();
      other[at] = 0x80;
      expect(readPathProbe(other, 0, other.length)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        expect(readPathProbe(octets, 0, octets.length)).toBeUndefined();
      }),
    );
  });
});

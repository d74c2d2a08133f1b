import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPorts, parsePorts } from './ports.js';

const range = fc
  .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 65_535 }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

describe('ports', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (ports) => {
        expect(parsePorts(formatPorts(ports))).toEqual({ ok: true, ports });
      }),
    );
  });

  it('accepts spaces, and empty text as every port', () => {
    expect(parsePorts(' 22,80 443 , 8000 - 8100 ')).toEqual({
      ok: true,
      ports: [
        { first: 22, last: 22 },
        { first: 80, last: 80 },
        { first: 443, last: 443 },
        { first: 8000, last: 8100 },
      ],
    });
    expect(parsePorts('  ')).toEqual({ ok: true, ports: [] });
  });

  it.each([
    ['http', '“http” is not a port'],
    ['22,70000', '“70000” is above 65535'],
    ['90-80', '“90-80” ends before it begins'],
    ['1-2-3', '“1-2-3” is not a port'],
    ['-5', '“-5” is not a port'],
  ])('refuses %s and names the item', (text, reason) => {
    const result = parsePorts(text);
    expect(result.ok ? '' : result.reason).toContain(reason);
  });
});

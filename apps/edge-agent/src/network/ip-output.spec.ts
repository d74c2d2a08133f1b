import { describe, expect, it } from 'vitest';
import { parseConnected, parseRoutes, parseRules } from './ip-output.js';

// As iproute2 6.1 prints it.
const ROUTES_4 = [
  { dst: '10.2.0.0/24', dev: 'weft0', table: '119', scope: 'link', metric: 20, flags: [] },
  { type: 'unreachable', dst: '10.2.0.0/24', table: '119', metric: 1_000_000, flags: [] },
  { type: 'unreachable', dst: 'default', table: '119', metric: 1_000_000, flags: [] },
  { type: 'throw', dst: '10.1.0.7', table: '119', flags: [] },
  { dst: '10.9.0.0/24', dev: 'weft0', metric: 20, flags: [] },
  { dst: '10.8.0.0/24', dev: 'weft0', table: '120', metric: 20, flags: [] },
  { dst: '10.7.0.0/24', dev: 'eth0', table: '119', metric: 20, flags: [] },
];
const ROUTES_6 = [
  { type: 'unreachable', dst: '2001:db8:2::/64', dev: 'lo', table: '119', metric: 1_000_000, flags: [] },
  { type: 'throw', dst: 'fe80::/64', dev: 'lo', table: '119', metric: 1024, flags: [] },
];

describe('what iproute2 prints', () => {
  it('are our routes when they stand in our table, by kind', () => {
    expect(parseRoutes(ROUTES_4, 4, 'weft0', '119')).toEqual({
      device: new Set(['10.2.0.0/24']),
      unreachable: new Set(['10.2.0.0/24', '0.0.0.0/0']),
      direct: new Set(['10.1.0.7/32']),
    });
    expect(parseRoutes(ROUTES_6, 6, 'weft0', '119')).toEqual({
      device: new Set(),
      unreachable: new Set(['2001:db8:2::/64']),
      direct: new Set(['fe80::/64']),
    });
    expect(parseRoutes([{}], 4, 'weft0', '119').device).toEqual(new Set());
  });

  it('are the networks at hand, not those of the overlay', () => {
    const output = [
      { dst: '192.0.2.0/24', dev: 'eth0', scope: 'link', prefsrc: '192.0.2.1', flags: [] },
      { dst: '10.1.0.0/24', dev: 'weft0', scope: 'link', flags: [] },
      { type: 'unreachable', dst: '10.3.0.0/24', flags: [] },
    ];
    expect(parseConnected(output, 4, 'weft0')).toEqual(new Set(['192.0.2.0/24']));
  });

  it('are rules that lead to our table, and whom they exempt', () => {
    const output = [
      { priority: 0, src: 'all', table: 'local' },
      { priority: 1190, not: null, src: 'all', fwmark: '0x7765', table: '119' },
      { priority: 1190, src: 'all', fwmark: '0x7765', table: '119' },
      { priority: 1190, src: 'all', table: '119' },
      { priority: 1190, not: null, src: 'all', fwmark: '0x7765/0xffff', table: '119' },
      { priority: 32_766, src: 'all', table: 'main' },
    ];
    const exempt = [0x7765, undefined, undefined, undefined];
    expect(parseRules(output, '119')).toEqual(exempt.map((exemptMark) => ({ exemptMark })));
  });
});

import { expect, it } from 'vitest';
import { formatEndpoint } from './format-endpoint.js';

it('an endpoint keeps its port apart from its address', () => {
  expect(formatEndpoint({ address: '203.0.113.7', port: 4500 })).toBe('203.0.113.7:4500');
  expect(formatEndpoint({ address: '2001:db8::7', port: 40_001 })).toBe('[2001:db8::7]:40001');
});

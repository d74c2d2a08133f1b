import { describe, expect, it } from 'vitest';
import type { AddressPool } from '../../api/index.js';
import { poolBody, poolValues } from './pool-form.js';

const POOL: AddressPool = {
  id: 'p',
  name: 'notebooks',
  description: 'of the sales people',
  siteId: 's',
  prefix: '10.99.0.0/24',
  nameServers: ['10.1.0.53', '2001:db8::53'],
  domains: ['example.com', 'corp.example'],
  version: 3,
  createdAt: '',
  updatedAt: '',
};

describe('the form of an address pool', () => {
  it('gives back what it was made of', () => {
    const { id: _, version: __, createdAt: ___, updatedAt: ____, ...described } = POOL;
    expect(poolBody(poolValues(POOL, 'elsewhere'))).toEqual(described);
  });

  it('is empty for a new one, at the site that it is opened for', () => {
    expect(poolBody(poolValues(undefined, 's'))).toEqual({
      name: '',
      description: '',
      siteId: 's',
      prefix: '',
      nameServers: [],
      domains: [],
    });
  });

  it('takes servers and domains however they are parted', () => {
    const values = { ...poolValues(POOL, ''), nameServers: ' 10.1.0.53,10.1.0.54\n\n', domains: 'a.example b.example' };
    expect(poolBody(values)).toMatchObject({
      nameServers: ['10.1.0.53', '10.1.0.54'],
      domains: ['a.example', 'b.example'],
    });
  });
});

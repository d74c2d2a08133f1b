import { describe, expect, it } from 'vitest';
import type { NamedService, Policy } from '../../api/index.js';
import { namedServiceFields, namedServiceValues, readNamedService, rulesNaming } from './service-form.js';

const nextKey = () => 'line';
const dns: NamedService = {
  id: 's',
  name: 'dns',
  description: 'Questions',
  services: [
    { protocol: 'udp', ports: [{ first: 53, last: 53 }] },
    { protocol: 'tcp', ports: [] },
    { protocol: 'icmp', ports: [] },
  ],
  version: 3,
  createdAt: '',
  updatedAt: '',
};

describe('the form of a named service', () => {
  it('loses nothing of it', () => {
    const { name, description, services } = dns;
    expect(readNamedService(namedServiceValues(dns, nextKey))).toEqual({ body: { name, description, services } });
  });

  it('says at which field what is missing', () => {
    const values = namedServiceValues(undefined, nextKey);
    expect(readNamedService(values)).toEqual({ errors: { name: expect.anything() } });
    const bad = { ...values, name: 'x', services: [{ key: 'line', protocol: 'tcp' as const, ports: '2-1' }] };
    expect(readNamedService(bad)).toEqual({ errors: { 'services.0.ports': expect.stringContaining('2-1') } });
    expect(namedServiceFields(bad)).toContain('services.0.ports');
  });
});

describe('the rules that name a service', () => {
  it('are found by policy, each once', () => {
    const rule = (name: string, ...serviceIds: string[]) => ({ name, serviceIds });
    const policies = [
      { name: 'Mesh', rules: [rule('a', 's', 't'), rule('b', 't'), rule('c')] },
      { name: 'Guests', rules: [rule('d', 's', 's')] },
    ] as unknown as Policy[];
    expect(rulesNaming('s', policies)).toEqual(['Mesh: a', 'Guests: d']);
    expect(rulesNaming('gone', policies)).toEqual([]);
  });
});

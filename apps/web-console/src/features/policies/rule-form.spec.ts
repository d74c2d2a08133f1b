import { describe, expect, it } from 'vitest';
import { namingServices, readRule, ruleFields, ruleValues } from './rule-form.js';

const counter = () => {
  let next = 0;
  return () => `line ${next++}`;
};
const rule = {
  id: 'r',
  name: 'Web',
  action: 'DISCARD' as const,
  sources: [{ kind: 'site' as const, siteId: 's' }],
  destinations: [{ kind: 'prefix' as const, prefix: '10.0.0.0/8' }],
  services: [
    { protocol: 'tcp' as const, ports: [{ first: 80, last: 90 }] },
    { protocol: 'icmp' as const, ports: [] },
  ],
  serviceIds: ['https'],
  profileId: 'chacha',
  tunnelStart: { kind: 'trap' as const, idleSeconds: 600 },
  enabled: false,
};

describe('rule form', () => {
  it('gives back the rule that it was filled with', () => {
    expect(readRule(ruleValues(rule, counter()), 'r')).toEqual({ ok: true, rule });
  });

  it('sends no identity for a new rule', () => {
    const reading = readRule({ ...ruleValues(rule, counter()) }, undefined);
    expect(reading.ok && 'id' in reading.rule).toBe(false);
  });

  it('says at which field what is missing', () => {
    const empty = readRule(ruleValues(undefined, counter()), undefined);
    expect(empty.ok ? [] : Object.keys(empty.errors)).toEqual(['name', 'sources', 'destinations']);
    const values = ruleValues(rule, counter());
    const without = { ...values, services: [] };
    expect(readRule(without, 'r')).toMatchObject({ ok: true, rule: { services: [], serviceIds: ['https'] } });
    expect(readRule({ ...without, serviceIds: [] }, 'r')).toMatchObject({
      ok: false,
      errors: { services: expect.anything() },
    });
    const bad = readRule({ ...values, services: [{ key: 'x', protocol: 'udp', ports: '99999' }] }, 'r');
    expect(bad.ok ? {} : bad.errors).toMatchObject({ 'services.0.ports': expect.stringContaining('65535') });
    const soon = readRule({ ...values, tunnelStart: { kind: 'trap', idleSeconds: '9' } }, 'r');
    expect(soon.ok ? [] : Object.keys(soon.errors)).toEqual(['tunnelStart']);
    expect(ruleFields(values)).toContain('services.1.ports');
  });

  it('has a line that covers everything go for the services that are named', () => {
    const fresh = ruleValues(undefined, counter());
    expect(namingServices(fresh, ['https'])).toEqual({ serviceIds: ['https'], services: [] });
    expect(namingServices(fresh, [])).toEqual({ serviceIds: [] });
    expect(namingServices(ruleValues(rule, counter()), ['https'])).toEqual({ serviceIds: ['https'] });
  });

  it('drops ports that were typed before the protocol lost them', () => {
    const values = ruleValues(rule, counter());
    const reading = readRule({ ...values, services: [{ key: 'x', protocol: 'icmp', ports: '80' }] }, 'r');
    expect(reading).toMatchObject({ ok: true, rule: { services: [{ protocol: 'icmp', ports: [] }] } });
  });
});

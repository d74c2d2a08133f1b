import { describe, expect, it } from 'vitest';
import { fieldWords, namesOf, valueWords } from './field-words.js';

const nameOf = namesOf({
  names: [
    { id: 'p1', name: 'chacha' },
    { id: 's1', name: 'Berlin' },
    { id: 'v1', name: 'dns' },
    { id: 'a1', name: 'notebooks' },
  ],
});

describe('the words of a field', () => {
  it('name what identifiers stand for, and leave alone what nobody knows', () => {
    expect(fieldWords('rule', { field: 'profileId', before: null, after: 'p1' }, nameOf)).toEqual([
      { label: 'profile', before: 'the default', after: 'chacha' },
    ]);
    expect(fieldWords('tenant', { field: 'defaultProfileId', before: 'p1', after: null }, nameOf)).toEqual([
      { label: 'default profile', before: 'chacha', after: 'Standard' },
    ]);
    expect(fieldWords('rule', { field: 'serviceIds', before: null, after: ['v1', 'gone'] }, nameOf)).toEqual([
      { label: 'named services', before: 'nothing', after: 'dns, gone' },
    ]);
    expect(fieldWords('site', { field: 'name', before: 'x', after: 'y' }, nameOf)).toEqual([
      { label: 'name', before: 'x', after: 'y' },
    ]);
  });

  it('say selectors, services and labels as rules show them', () => {
    const value = [
      { kind: 'any' },
      { kind: 'site', siteId: 's1' },
      { kind: 'prefix', prefix: '10.0.0.0/8' },
      { kind: 'site_labels', labels: { role: 'branch', region: 'emea' } },
    ];
    expect(valueWords(value, nameOf)).toBe('any, Berlin, 10.0.0.0/8, sites with role=branch and region=emea');
    expect(valueWords([{ protocol: 'tcp', ports: [{ first: 80, last: 80 }] }], nameOf)).toBe('TCP 80');
    expect([valueWords(null, nameOf), valueWords([], nameOf), valueWords(false, nameOf)]).toEqual([
      'nothing',
      'none',
      'false',
    ]);
    expect(valueWords({ at: 's1', port: 1 }, nameOf)).toBe('{"at":"Berlin","port":1}');
  });

  it('say what a remote host is, and which addresses of which pools it has', () => {
    const assigned = [{ addressPoolId: 'a1', address: '10.99.0.7' }];
    expect(fieldWords('external_peer', { field: 'assigned', before: null, after: assigned }, nameOf)).toEqual([
      { label: 'assigned addresses', before: 'nothing', after: '10.99.0.7 of notebooks' },
    ]);
    expect(fieldWords('external_peer', { field: 'kind', before: null, after: 'remote_host' }, nameOf)).toEqual([
      { label: 'kind', before: 'gateway', after: 'remote host' },
    ]);
    expect(
      fieldWords(
        'rule',
        { field: 'sources', before: null, after: [{ kind: 'address_pool', addressPoolId: 'a1' }] },
        nameOf,
      ),
    ).toEqual([{ label: 'sources', before: 'nothing', after: 'notebooks' }]);
  });

  it('say what a profile is made of', () => {
    const esp = { encryption: 'aes-gcm-16', keyBits: 128, replayWindow: 64, extendedSequenceNumbers: true };
    const exchange = { method: 31, additionalMethods: [36] };
    const ike = {
      proposals: [{ encryption: 'chacha20-poly1305', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: exchange }],
      ikeLifetimeSeconds: 14_400,
      childLifetimeSeconds: 90,
      livenessSeconds: 10,
    };
    expect(fieldWords('profile', { field: 'esp', before: null, after: esp }, nameOf)).toEqual([
      { label: 'esp', before: 'nothing', after: 'AES-128-GCM, ESN, replay window 64' },
    ]);
    const after = { ...ike, childKeyExchange: { method: 20, additionalMethods: [] } };
    expect(fieldWords('profile', { field: 'ike', before: ike, after }, nameOf)).toEqual([
      {
        label: 'ike',
        before: 'ChaCha20-Poly1305, HMAC-SHA-384, X25519 + ML-KEM-768; no PFS; IKE SA 4 h, Child SA 90 s',
        after: 'ChaCha20-Poly1305, HMAC-SHA-384, X25519 + ML-KEM-768; PFS with ECP-384; IKE SA 4 h, Child SA 90 s',
      },
    ]);
  });

  it('say each change of the topology', () => {
    const after = { kind: 'hub_and_spoke', hubSiteIds: ['s1'], homes: [] };
    expect(fieldWords('tenant', { field: 'topology', before: null, after }, nameOf)).toEqual([
      { label: 'topology', sentence: 'Full mesh becomes hub and spoke' },
      { label: 'topology', sentence: 'hub Berlin' },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Policy, Profile } from '../../api/index.js';
import type { Names } from '../policies/describe.js';
import { CIPHERS, profileFields, profileValues, readProfile } from './profile-form.js';
import { usesOf } from './uses.js';
import { espText, ikeText, lifetimeText, PRODUCT_PROFILE, rekeyText } from './wording.js';

const chacha: Profile = {
  id: 'p',
  name: 'chacha',
  description: 'Without AES in hardware',
  esp: { encryption: 'chacha20-poly1305', keyBits: 256, replayWindow: 128 },
  ike: { encryption: 'aes-gcm-16', keyBits: 128, prf: 'hmac-sha2-512', keyExchange: ['ECP-384', 'ML-KEM-768'] },
  childKeyExchange: [],
  ikeLifetimeSeconds: 7200,
  childLifetimeSeconds: 90,
  version: 3,
  createdAt: '',
  updatedAt: '',
};

describe('the form of a profile', () => {
  it('loses nothing of it, whatever its ciphers', () => {
    for (const { value } of CIPHERS) {
      const [encryption, bits] = value.split(' ') as [Profile['esp']['encryption'], string];
      const cipher = { encryption, keyBits: Number(bits) as 128 | 256 };
      const profile: Profile = { ...chacha, esp: { ...chacha.esp, ...cipher }, ike: { ...chacha.ike, ...cipher } };
      const { id: _, version: _version, createdAt: _created, updatedAt: _updated, ...body } = profile;
      expect(readProfile(profileValues(profile))).toEqual({ body });
    }
  });

  it('begins as the profile of the product, and says at which field something is missing', () => {
    const values = profileValues(undefined);
    expect(readProfile(values)).toEqual({ errors: { name: expect.anything() } });
    expect(readProfile({ ...values, name: ' x ' })).toEqual({
      body: { name: 'x', description: '', ...PRODUCT_PROFILE },
    });
    const bad = { ...values, esp: { ...values.esp, replayWindow: '' }, ikeLifetimeSeconds: '' };
    const read = readProfile(bad);
    const paths = 'errors' in read ? Object.keys(read.errors) : [];
    expect(paths).toEqual(['name', 'esp.replayWindow', 'ikeLifetimeSeconds']);
    for (const path of paths) expect(profileFields()).toContain(path);
  });
});

describe('the words of a profile', () => {
  it('are those of the field', () => {
    expect(espText(chacha.esp)).toBe('ChaCha20-Poly1305, ESN, replay window 128');
    expect(ikeText(chacha.ike)).toBe('AES-128-GCM, HMAC-SHA-512, ECP-384 + ML-KEM-768');
    expect([rekeyText([]), rekeyText(['X25519'])]).toEqual(['no key exchange (no PFS)', 'PFS with X25519']);
    expect([14_400, 5400, 61].map(lifetimeText)).toEqual(['4 h', '90 min', '61 s']);
  });
});

describe('the rules that have a profile', () => {
  it('are those that name it, and of the default one those that name none and protect something', () => {
    const rule = (name: string, profileId: string | null, action = 'PROTECT') => ({
      id: name,
      name,
      action,
      profileId,
      sources: [{ kind: 'site', siteId: 's' }],
      destinations: [{ kind: 'any' }, { kind: 'prefix', prefix: '10.0.0.0/8' }],
    });
    const peer = { ...rule('e', null), destinations: [{ kind: 'external_peer', externalPeerId: 'x' }] };
    const hosts = { ...rule('f', null), sources: [{ kind: 'address_pool', addressPoolId: 'y' }] };
    const rules = [rule('a', 'p'), rule('b', null), rule('c', null, 'DISCARD'), rule('d', 'q'), peer, hosts];
    const policies = [{ id: 'mesh', name: 'Mesh', rules }] as unknown as Policy[];
    const names = { sites: [{ id: 's', name: 'Berlin' }], networks: [], externalPeers: [], groups: [], services: [] };
    const uses = (profileId: string | null, standard: string | null) =>
      usesOf(profileId, standard, policies, names as unknown as Names).map(({ ruleId }) => ruleId);
    expect([uses('p', null), uses('p', 'p'), uses(null, null), uses(null, 'p')]).toEqual([
      ['a'],
      ['a', 'b'],
      ['b'],
      [],
    ]);
    expect(usesOf('q', null, policies, names as unknown as Names)).toEqual([
      { ruleId: 'd', policyId: 'mesh', rule: 'Mesh: d', pairs: 'Berlin → any, 10.0.0.0/8' },
    ]);
  });
});

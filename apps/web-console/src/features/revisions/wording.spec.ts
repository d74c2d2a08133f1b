import { describe, expect, it } from 'vitest';
import { flowWords, intentWords, radiusWords, removalWords } from './wording.js';

const NOTHING = {
  edges: 0,
  tunnelsAdded: 0,
  tunnelsRemoved: 0,
  tunnelsChanged: 0,
  tunnelsNotEncrypted: 0,
  sitePairsAllowed: 0,
  sitePairsDenied: 0,
  sitePairsOtherProfile: 0,
  complete: true,
};
const SITE = { id: '', name: '' };
const PACKET = { text: '', source: '', destination: '', protocol: 6, sourcePort: 0, destinationPort: 0 };
const FLOW = { example: PACKET, sourceSite: SITE, destinationSite: SITE, sitePairs: 1 };

describe('the words of a revision', () => {
  it('say what an edge loses, and nothing of what it keeps', () => {
    const share = (removed: number, before: number) => ({ removed, before });
    const removal = { tunnels: share(11, 12), securityPolicies: share(22, 24), needsAgreement: true };
    expect(removalWords(removal)).toBe('loses 11 of 12 tunnels and 22 of 24 policy entries');
    expect(removalWords({ ...removal, tunnels: share(0, 12) })).toBe('loses 22 of 24 policy entries');
  });

  it('say how far it reaches, and nothing of what it does not', () => {
    expect(radiusWords(NOTHING)).toEqual([]);
    expect(radiusWords({ ...NOTHING, edges: 1, tunnelsRemoved: 2, sitePairsDenied: 3 })).toEqual([
      '1 edge with another bundle',
      '2 tunnels fewer',
      'traffic no longer allowed between 3 pairs of sites',
    ]);
    expect(radiusWords({ ...NOTHING, sitePairsAllowed: 1, complete: false })).toEqual([
      'traffic newly allowed between at least 1 pair of sites',
    ]);
  });

  it('say plainly that packets are not encrypted', () => {
    expect(radiusWords({ ...NOTHING, tunnelsNotEncrypted: 2 })).toEqual([
      '2 tunnels AUTHENTICATED BUT NOT ENCRYPTED (AH): everybody on the underlay can read what is in them',
    ]);
  });

  it('name the rule that makes the difference', () => {
    const [web, off] = [
      { ruleId: 'a', name: 'web' },
      { ruleId: 'b', name: 'off' },
    ];
    expect(flowWords({ ...FLOW, change: 'allowed', ruleBefore: null, ruleAfter: web })).toBe('Newly allowed by “web”');
    expect(flowWords({ ...FLOW, change: 'denied', ruleBefore: web, ruleAfter: off })).toBe('Now forbidden by “off”');
    expect(flowWords({ ...FLOW, change: 'denied', ruleBefore: web, ruleAfter: null })).toBe(
      'No longer allowed by “web”',
    );
  });

  it('name what was edited', () => {
    const change = { id: '', fields: [], change: 'changed' as const };
    expect(intentWords({ ...change, noun: 'rule', name: 'web' })).toBe('Rule “web” changed');
    expect(intentWords({ ...change, noun: 'tenant', name: 'tenant' })).toBe('Settings changed');
  });
});

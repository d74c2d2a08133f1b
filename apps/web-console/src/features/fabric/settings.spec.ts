import { describe, expect, it } from 'vitest';
import type { IntentChange } from '../../api/index.js';
import {
  changeOf,
  draftProblems,
  encapsulationNote,
  inForce,
  NOTHING_CHOSEN,
  SETTING_NAMES,
  SETTINGS,
  settingsWith,
} from './settings.js';

const NEW_TENANT = { securityProtocol: 'esp', mode: 'tunnel', keyingMode: 'ikev2', encapsulation: 'udp' } as const;
const problem = (pointer: string, rule: string) => ({ pointer, rule, detail: `It is ${rule}`, fix: 'Mend it' });

describe('SETTINGS', () => {
  it('begin with what a new tenant has, and say one sentence about each choice', () => {
    for (const name of SETTING_NAMES) {
      const { choices } = SETTINGS[name];
      expect(choices[0].value).toBe(NEW_TENANT[name]);
      for (const { meaning } of choices) expect(meaning).toMatch(/^[A-Z](?:(?!\. ).)*\.$/);
    }
  });

  it('say of AH that everybody can read it, and mark it alone', () => {
    const weaker = SETTING_NAMES.flatMap((name) => SETTINGS[name].choices.filter((choice) => choice.weaker === true));
    expect(weaker.map(({ value }) => value)).toEqual(['ah']);
    expect(weaker[0]?.label).toContain('NOT encrypted');
    expect(weaker[0]?.meaning).toMatch(/^Everybody on the underlay can read/);
  });
});

describe('changeOf', () => {
  it('is what was chosen and differs, and nothing else', () => {
    const chosen = { ...NOTHING_CHOSEN, securityProtocol: 'ah', mode: 'tunnel' } as const;
    expect(changeOf(NEW_TENANT, chosen)).toEqual({ securityProtocol: 'ah' });
    expect(changeOf({ ...NEW_TENANT, mode: 'transport' }, chosen)).toEqual({ securityProtocol: 'ah', mode: 'tunnel' });
    expect(changeOf(NEW_TENANT, NOTHING_CHOSEN)).toEqual({});
  });

  it('leads to what is shown', () => {
    const chosen = { ...NOTHING_CHOSEN, keyingMode: 'ike-less' } as const;
    expect(settingsWith(NEW_TENANT, chosen)).toEqual({ ...NEW_TENANT, ...changeOf(NEW_TENANT, chosen) });
    expect(settingsWith({ ...NEW_TENANT, mode: 'transport' }, NOTHING_CHOSEN).mode).toBe('transport');
  });
});

describe('inForce', () => {
  const changed = (change: IntentChange['change'], noun: IntentChange['noun'] = 'tenant'): IntentChange => ({
    ...{ change, noun, id: 't', name: 'tenant' },
    fields: [
      { field: 'securityProtocol', before: 'ah', after: null },
      { field: 'mode', before: null, after: 'transport' },
      { field: 'topology', before: 'x', after: 'y' },
    ],
  });

  it('names what runs of the settings that the draft changes', () => {
    expect(inForce({ intent: [changed('changed', 'site'), changed('changed')] })).toEqual({
      securityProtocol: 'AH: authenticated, NOT encrypted',
      mode: 'Tunnel: from site to site',
    });
  });

  it('claims nothing where nothing was published, or nothing is known', () => {
    expect(inForce({ intent: [changed('added')] })).toEqual({});
    expect(inForce({ intent: [] })).toEqual({});
    expect(inForce(undefined)).toEqual({});
  });
});

describe('draftProblems', () => {
  it('are at the setting that they point at, else at the one that they are named after', () => {
    expect(
      draftProblems([
        problem('/keyingMode', 'ah_without_negotiation'),
        problem('/policies/0/confidential', 'ah_is_not_confidential'),
        problem('/edges/1', 'ah_with_several_edges'),
        problem('/networks/3/prefix', 'transport_beyond_host'),
      ]),
    ).toEqual({
      keyingMode: ['It is ah_without_negotiation. Mend it.'],
      securityProtocol: ['It is ah_is_not_confidential. Mend it.', 'It is ah_with_several_edges. Mend it.'],
      mode: ['It is transport_beyond_host. Mend it.'],
    });
  });

  it('leave out what has nothing to do with the settings', () => {
    expect(draftProblems([problem('/networks/0/prefix', 'overlapping_prefix')])).toEqual({});
  });
});

describe('encapsulationNote', () => {
  it('says where the choice is one without effect', () => {
    expect(encapsulationNote(NEW_TENANT)).toBeUndefined();
    expect(encapsulationNote({ ...NEW_TENANT, mode: 'transport' })).toContain('transport mode');
    expect(encapsulationNote({ ...NEW_TENANT, mode: 'transport', securityProtocol: 'ah' })).toContain('AH');
  });
});

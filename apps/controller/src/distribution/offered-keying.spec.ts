import { Bundle, KeyingMode } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { keyingNotOffered } from './offered-keying.js';

const bundle = (...modes: readonly KeyingMode[]) =>
  Bundle.fromPartial({ tunnels: modes.map((keyingMode) => ({ keyingMode })) });
const { KEYING_MODE_IKEV2: IKEV2, KEYING_MODE_IKE_LESS: IKE_LESS, KEYING_MODE_CONTROLLER_BLIND: BLIND } = KeyingMode;

describe('a bundle with a keying mode that the agent does not offer', () => {
  it.each([
    ['offers all that it takes', bundle(IKEV2, IKE_LESS), [IKE_LESS, IKEV2]],
    ['has no tunnel', bundle(), []],
    ['offers one more', bundle(BLIND), [IKEV2, BLIND]],
  ])('is none when the edge %s', (_, desired, offered) => {
    expect(keyingNotOffered(desired, offered)).toBeUndefined();
  });

  it('is named by its first tunnel, with what to do', () => {
    expect(keyingNotOffered(bundle(IKEV2, BLIND, IKE_LESS), [IKEV2, IKE_LESS])).toEqual({
      path: 'tunnels[1].keying_mode',
      rule: 'keying_mode_not_offered',
      reason:
        'its agent does not offer KEYING_MODE_CONTROLLER_BLIND; update it, or choose another keying mode for the fabric',
    });
  });
});

import type { Expectation, Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';
import { replaceChild } from './rekey-steps.js';

const ESP = 'aes128gcm16-x25519';
const BOTH = ['us', 'peer'] as const;
/** A Child SA by CREATE_CHILD_SA, whoever asked for it. */
const CREATED = /(parsed|generating) CREATE_CHILD_SA request/;

/** IKE SAs without a Child SA in IKE_AUTH, RFC 6023. */
export const childlessScenarios: readonly Scenario[] = [
  {
    ...scenario('wanted by us and insisted on by the peer', 'prefer', 'force'),
    log: [CREATED],
    afterwards: async (stage) => {
      await replaceChild(stage, 'us');
      await replaceChild(stage, 'peer');
    },
  },
  { ...scenario('insisted on by both', 'force', 'force'), log: [CREATED] },
  { ...scenario('wanted by the initiator', 'prefer', 'allow'), initiators: ['us'], log: [CREATED] },
  { ...scenario('wanted by the peer that initiates', 'allow', 'force'), initiators: ['peer'], log: [CREATED] },
  scenario('not taken by the responder: with a Child SA, then', 'prefer', 'never', ['us']),
  {
    ...scenario('insisted on by us, and not taken by the peer', 'force', 'never'),
    expect: {
      fails: {
        us: { code: 'childless_required' },
        peer: { code: 'authentication_failed', detail: /Child SA in IKE_AUTH/ },
      },
    } satisfies Expectation,
  },
];

function scenario(
  name: string,
  own: 'allow' | 'prefer' | 'force' | 'never',
  other: string,
  initiators: Scenario['initiators'] = BOTH,
): Scenario {
  return {
    group: 'childless',
    name,
    initiators,
    ours: { ...OURS, esp: [ESP], childless: own },
    theirs: swanctlConf({ esp: ESP, connection: `childless = ${other}` }),
    expect: 'traffic',
  };
}

import type { PpkSpec } from '../edge/connection-spec.js';
import type { Expectation, Initiator, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { exchangeTraffic, underTraffic } from '../traffic/traffic.js';
import { OURS, PSK_SECRET, swanctlConf } from './common.js';
import { replaceChild, replaceIke } from './rekey-steps.js';

const ID = 'ppk.example';
const KEY = 'an entropy of 256 bits would be here';
const BOTH = ['us', 'peer'] as const;
const REFUSED = { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' } as const;

/** Postquantum preshared keys, RFC 8784. */
export const ppkScenarios: readonly Scenario[] = [
  scenario('the same at both ends, required', { ours: ours(true), theirs: theirs(true), used: true }),
  scenario('the same at both ends, optional', { ours: ours(false), theirs: theirs(false), used: true }),
  {
    ...scenario('rekeys of both SAs under traffic', { ours: ours(true), theirs: theirs(true), used: true }),
    afterwards: async (stage) => {
      await expectProtection(stage, true);
      await underTraffic(stage.ends, async () => {
        for (const by of BOTH) {
          await replaceIke(stage, by);
          await replaceChild(stage, by);
        }
      });
      await exchangeTraffic(stage.ends);
    },
  },
  scenario('none at the peer, optional for us', { ours: ours(false), theirs: {}, used: false }),
  scenario('another at the peer that initiates, optional for both', {
    ours: ours(false),
    theirs: theirs(false, 'another.example'),
    used: false,
    initiators: ['peer'],
  }),
  // With a `ppk_id` of its own it would refuse ours, optional or not.
  scenario('another at the peer that responds, optional for both', {
    ours: ours(false),
    theirs: { secrets: theirs(false, 'another.example').secrets },
    used: false,
    initiators: ['us'],
  }),
  scenario('none at the peer, required by us', {
    ours: ours(true),
    theirs: {},
    expect: { fails: { us: { code: 'ppk_required' }, peer: { code: 'authentication_failed', detail: /uses none/ } } },
  }),
  scenario('none here, required by the peer', {
    ours: {},
    theirs: theirs(true),
    expect: { fails: { us: REFUSED } },
    initiators: ['us'],
  }),
  scenario('another at the peer, required by both', {
    ours: ours(true),
    theirs: theirs(true, 'another.example'),
    expect: { fails: { us: REFUSED, peer: { code: 'authentication_failed', detail: /not known here/ } } },
  }),
  scenario('another key by the same name', {
    ours: ours(false, `${KEY}, another`),
    theirs: theirs(false),
    expect: { fails: { us: REFUSED, peer: { code: 'authentication_failed', detail: /PPK/ } } },
  }),
];

interface Ends {
  readonly ours: { readonly ppk?: PpkSpec };
  readonly theirs: { readonly connection?: string; readonly secrets?: string };
  readonly expect?: Expectation;
  /** Whether a PPK is in use when the IKE SA stands. */
  readonly used?: boolean;
  readonly initiators?: readonly Initiator[];
}

function scenario(
  name: string,
  { ours: own, theirs: other, expect = 'traffic', used, initiators = BOTH }: Ends,
): Scenario {
  return {
    group: 'ppk',
    name,
    initiators,
    ours: { ...OURS, ...own },
    theirs: swanctlConf(other),
    expect,
    ...(used === true ? { log: [/using PPK for PPK_ID/] } : {}),
    ...(used === undefined ? {} : { afterwards: (stage: Stage) => expectProtection(stage, used) }),
  };
}

async function expectProtection({ edge }: Stage, used: boolean): Promise<void> {
  const { postQuantum } = await edge.event(['ike-established'], 0);
  if (postQuantum.includes('ppk') !== used)
    throw new Error(`we say of the PPK that it is ${used ? 'not used' : 'used'}`);
}

function ours(required: boolean, key = KEY): { readonly ppk: PpkSpec } {
  return { ppk: { id: ID, key, required } };
}

function theirs(required: boolean, id = ID): { readonly connection: string; readonly secrets: string } {
  return {
    connection: `ppk_id = ${id}\n ppk_required = ${required ? 'yes' : 'no'}`,
    secrets: `${PSK_SECRET}\n ppk-1 { id = ${id}\n secret = "${KEY}" }`,
  };
}

import { describeRefusal, type Refusal } from '@weft/ipsec-core/blind';
import type { BlindNews } from './blind-tunnel.js';

/** How a tunnel stands whose keys the controller relays and does not know. */
export interface BlindState {
  /** Number of the root that is sent on; 0: there is none. */
  readonly inForce: number;
  /** Roots that there are, and on which of its associations each sends. */
  readonly roots: readonly { readonly root: number; readonly sending: number | undefined }[];
  /** The last key share that was refused for a reason that an operator has to know; undefined since keys were agreed on. */
  readonly refusal: { readonly code: Refusal['code']; readonly reason: string } | undefined;
  /** Key shares that were refused since the agent started, by reason. */
  readonly refusals: Readonly<Partial<Record<Refusal['code'], number>>>;
  /** Why nothing passes, or soon will not, and what told it; undefined since keys were agreed on, or since it goes on. */
  readonly alarm: { readonly of: BlindNews['kind']; readonly reason: string } | undefined;
}

/** Of a tunnel that has just begun. */
export const NOTHING_HAPPENED: BlindState = {
  inForce: 0,
  roots: [],
  refusal: undefined,
  refusals: {},
  alarm: undefined,
};

/** What something means for how a tunnel stands. Pure. */
export function afterNews(state: BlindState, news: BlindNews): BlindState {
  switch (news.kind) {
    case 'in_force':
      return { ...state, refusal: undefined, alarm: undefined };
    case 'refused': {
      const { code } = news.refusal;
      const refusals = { ...state.refusals, [code]: (state.refusals[code] ?? 0) + 1 };
      // After every reconnection something comes that is known.
      if (code === 'already_taken') return { ...state, refusals };
      return { ...state, refusals, refusal: { code, reason: describeRefusal(news.refusal) } };
    }
    case 'alarm':
      return { ...state, alarm: { of: news.kind, reason: ALARMS[news.alarm.code] } };
    case 'peer_revoked':
      return state;
    case 'not_installed':
      return { ...state, alarm: { of: news.kind, reason: `the packet path refuses an association: ${news.reason}` } };
    case 'resumed':
      return state.alarm?.of === 'stopped' ? { ...state, alarm: undefined } : state;
    default:
      return { ...state, alarm: { of: news.kind, reason: news.reason } };
  }
}

const ALARMS = {
  not_renewed: 'the keys are old and are not renewed: see that both edges reach the controller',
  hard_lifetime: 'the keys have ended: nothing passes until both edges reach the controller',
  exhausted: 'restarts have used up the keys: nothing passes until both edges reach the controller',
} as const;

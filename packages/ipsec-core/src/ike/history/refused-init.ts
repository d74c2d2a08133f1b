import { toHex } from '../../bytes/hex.js';
import type { IkeMessage } from '../../wire/ike/message.js';
import type { FailureReason } from '../outputs.js';
import type { NegotiationHistory } from './history.js';
import { contentOf } from './message-content.js';

/** The history of an IKE_SA_INIT that was refused at once: no IKE SA came to be that could have one. */
export function refusedInit({ header, payloads }: IkeMessage, reason: FailureReason, now: number): NegotiationHistory {
  const moment = { at: now, sa: toHex(header.initiatorSpi.subarray(0, 4)) };
  const { exchange, response, messageId: id } = header;
  const message = { kind: 'message', direction: 'received', exchange, response, id } as const;
  return {
    entries: [
      { ...moment, ...message, content: contentOf(payloads) },
      { ...moment, kind: 'failed', reason },
    ],
    omitted: 0,
  };
}

import { EXCHANGE, nameOf } from './iana.js';
import { isErrorNotify } from './notify-registry.js';
import type { Payload, PayloadKind } from './payloads/registry.js';

/**
 * What an exchange may contain, RFC 7296 appendix C and sections 1.2 to 1.4, RFC 9242, RFC 9370, as data. A count is
 * [minimum, maximum] of one payload kind; kinds that are not listed are refused. N, V and unknown payloads may appear
 * anywhere (bounded by the chain's limit). A response that carries an error notify may omit everything else.
 */
export interface MessageRule {
  readonly exchange: number;
  readonly direction: 'request' | 'response';
  /** Whether the payloads travel inside SK (or SKF). */
  readonly encrypted: boolean;
  readonly payloads: Partial<Readonly<Record<PayloadKind, readonly [number, number]>>>;
  readonly story: string;
}

export type RuleViolation =
  | { readonly code: 'unknown_exchange'; readonly exchange: number }
  | { readonly code: 'missing'; readonly payload: PayloadKind; readonly exchange: string }
  | { readonly code: 'too_many'; readonly payload: PayloadKind; readonly exchange: string; readonly limit: number }
  | { readonly code: 'not_allowed'; readonly payload: PayloadKind; readonly exchange: string };

export const MESSAGE_RULES: readonly MessageRule[] = [
  {
    exchange: EXCHANGE.IKE_SA_INIT,
    direction: 'request',
    encrypted: false,
    payloads: { SA: [1, 1], KE: [1, 1], Nonce: [1, 1] },
    story: 'the initiator offers suites, a key share and a nonce',
  },
  {
    exchange: EXCHANGE.IKE_SA_INIT,
    direction: 'response',
    encrypted: false,
    payloads: { SA: [1, 1], KE: [1, 1], Nonce: [1, 1], CERTREQ: [0, 8] },
    story: 'the responder chooses a suite and answers with its key share and nonce',
  },
  {
    exchange: EXCHANGE.IKE_INTERMEDIATE,
    direction: 'request',
    encrypted: true,
    // RFC 9593 section 3.1: "the initiator MAY also indicate its identity".
    payloads: { KE: [0, 1], IDi: [0, 1], IDr: [0, 1] },
    story: 'the initiator sends an additional key share, or asks how it may prove who it is',
  },
  {
    exchange: EXCHANGE.IKE_INTERMEDIATE,
    direction: 'response',
    encrypted: true,
    payloads: { KE: [0, 1], CERTREQ: [0, 8] },
    story: 'the responder answers the additional key share, or how the initiator may prove who it is',
  },
  {
    exchange: EXCHANGE.IKE_AUTH,
    direction: 'request',
    encrypted: true,
    payloads: {
      IDi: [0, 1],
      IDr: [0, 1],
      CERT: [0, 16],
      CERTREQ: [0, 8],
      AUTH: [0, 1],
      CP: [0, 1],
      SA: [0, 1],
      TSi: [0, 1],
      TSr: [0, 1],
      EAP: [0, 1],
    },
    story: 'the initiator proves who it is and asks for the first Child SA',
  },
  {
    exchange: EXCHANGE.IKE_AUTH,
    direction: 'response',
    encrypted: true,
    payloads: {
      IDr: [0, 1],
      CERT: [0, 16],
      AUTH: [0, 1],
      CP: [0, 1],
      SA: [0, 1],
      TSi: [0, 1],
      TSr: [0, 1],
      EAP: [0, 1],
    },
    story: 'the responder proves who it is and grants the first Child SA',
  },
  {
    exchange: EXCHANGE.CREATE_CHILD_SA,
    direction: 'request',
    encrypted: true,
    payloads: { SA: [1, 1], Nonce: [1, 1], KE: [0, 1], TSi: [0, 1], TSr: [0, 1], CP: [0, 1] },
    story: 'one side asks for a new Child SA, or for the successor of a Child SA or of the IKE SA',
  },
  {
    exchange: EXCHANGE.CREATE_CHILD_SA,
    direction: 'response',
    encrypted: true,
    payloads: { SA: [1, 1], Nonce: [1, 1], KE: [0, 1], TSi: [0, 1], TSr: [0, 1], CP: [0, 1] },
    story: 'the other side grants it',
  },
  {
    exchange: EXCHANGE.IKE_FOLLOWUP_KE,
    direction: 'request',
    encrypted: true,
    payloads: { KE: [1, 1] },
    story: 'an additional key share of a CREATE_CHILD_SA follows',
  },
  {
    exchange: EXCHANGE.IKE_FOLLOWUP_KE,
    direction: 'response',
    encrypted: true,
    payloads: { KE: [1, 1] },
    story: 'the additional key share is answered',
  },
  {
    exchange: EXCHANGE.INFORMATIONAL,
    direction: 'request',
    encrypted: true,
    payloads: { D: [0, 16], CP: [0, 1] },
    story: 'one side deletes, notifies, or asks whether the other is alive',
  },
  {
    exchange: EXCHANGE.INFORMATIONAL,
    direction: 'response',
    encrypted: true,
    payloads: { D: [0, 16], CP: [0, 1] },
    story: 'the other side answers',
  },
];

export function ruleFor(exchange: number, direction: 'request' | 'response'): MessageRule | undefined {
  return MESSAGE_RULES.find((rule) => rule.exchange === exchange && rule.direction === direction);
}

/** The first way in which the (decrypted) payloads break the table, or undefined. */
export function checkPayloads(
  exchange: number,
  direction: 'request' | 'response',
  payloads: readonly Payload[],
): RuleViolation | undefined {
  const rule = ruleFor(exchange, direction);
  if (rule === undefined) return { code: 'unknown_exchange', exchange };
  const name = nameOf(EXCHANGE, exchange);
  const counts = new Map<PayloadKind, number>();
  for (const payload of payloads) counts.set(payload.kind, (counts.get(payload.kind) ?? 0) + 1);
  for (const [kind, count] of counts) {
    if (ANYWHERE.has(kind)) continue;
    const allowed = rule.payloads[kind];
    if (allowed === undefined) return { code: 'not_allowed', payload: kind, exchange: name };
    if (count > allowed[1]) return { code: 'too_many', payload: kind, exchange: name, limit: allowed[1] };
  }
  if (direction === 'response' && payloads.some(isAlternativeResponse)) return undefined;
  for (const [kind, allowed] of Object.entries(rule.payloads)) {
    if ((counts.get(kind as PayloadKind) ?? 0) < allowed[0]) {
      return { code: 'missing', payload: kind as PayloadKind, exchange: name };
    }
  }
  return undefined;
}

/** An error, or COOKIE (16390) which replaces the whole IKE_SA_INIT response (section 2.6). */
function isAlternativeResponse(payload: Payload): boolean {
  return payload.kind === 'N' && (isErrorNotify(payload.type) || payload.type === COOKIE);
}

const COOKIE = 16390;
const ANYWHERE: ReadonlySet<PayloadKind> = new Set(['N', 'V', 'unknown']);

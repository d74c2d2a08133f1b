import { isErrorNotify, NOTIFY, type NotifyName, notifyName } from '../../wire/ike/notify-registry.js';
import type { NotifyPayload } from '../../wire/ike/payloads/notify.js';
import type { Payload, PayloadKind } from '../../wire/ike/payloads/registry.js';

/** The member of the union that can have the kind: IDi and IDr, TSi and TSr share one each. */
type PayloadOf<K extends PayloadKind, P extends Payload = Payload> = P extends unknown
  ? K extends P['kind']
    ? P
    : never
  : never;

/** The first payload of a kind. */
export function find<K extends PayloadKind>(payloads: readonly Payload[], kind: K): PayloadOf<K> | undefined {
  return payloads.find((payload): payload is PayloadOf<K> & Payload => payload.kind === kind);
}

export function findNotify(payloads: readonly Payload[], name: NotifyName): NotifyPayload | undefined {
  return payloads.find((payload): payload is NotifyPayload => payload.kind === 'N' && payload.type === NOTIFY[name]);
}

export function findNotifies(payloads: readonly Payload[], name: NotifyName): readonly NotifyPayload[] {
  return payloads.filter((payload): payload is NotifyPayload => payload.kind === 'N' && payload.type === NOTIFY[name]);
}

/** The registry name of the first error notify, known or not. */
export function findError(payloads: readonly Payload[]): string | undefined {
  const found = payloads.find((payload) => payload.kind === 'N' && isErrorNotify(payload.type));
  return found?.kind === 'N' ? notifyName(found.type) : undefined;
}

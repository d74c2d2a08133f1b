import { equalConstantTime } from '../../bytes/compare.js';
import { EXCHANGE } from '../../wire/ike/iana.js';
import { isCookie2 } from '../../wire/ike/mobike-notifies.js';
import { type NotifyPayload, notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { IkeHost } from '../host.js';
import type { Lineage, Task } from '../lineage.js';
import { breakOff } from './close.js';
import { findNotify } from './payload-access.js';

/** "Chosen by the exchange initiator in a way that is unpredictable to the exchange responder" (RFC 4555 section 4.2.5). */
export function makeCookie2(host: IkeHost): NotifyPayload {
  const data = new Uint8Array(COOKIE2_LENGTH);
  host.random(data);
  return notify('COOKIE2', data);
}

/** "The recipient … MUST copy the notification as-is to the response" (section 3.7). */
export function copyOfCookie2(payloads: readonly Payload[]): Payload[] {
  const cookie = findNotify(payloads, 'COOKIE2');
  return cookie !== undefined && isCookie2(cookie.data) ? [notify('COOKIE2', cookie.data)] : [];
}

/** "The original sender MUST verify that the value is the same one as sent. If … not … the IKE_SA MUST be closed." */
export function cookieCameBack(
  lineage: Lineage,
  cookie: NotifyPayload,
  response: readonly Payload[],
  now: number,
): boolean {
  const { data } = findNotify(response, 'COOKIE2') ?? { data: new Uint8Array(0) };
  if (data.length === cookie.data.length && equalConstantTime(data, 0, cookie.data, 0, data.length)) return true;
  breakOff(lineage, { code: 'invalid_message', detail: 'the answer has not the COOKIE2 of the request' }, now);
  return false;
}

/**
 * The return routability check (section 3.7): an answer with our cookie shows that the peer receives where the request
 * went. Not when the path has changed meanwhile: "receiving the INFORMATIONAL response does not tell which address is the
 * working one", so that the check is made anew; after what else waits by then, which may be the very thing that tells the
 * peer where we are.
 */
export function checkRoutability(lineage: Lineage, shown: (now: number) => void, now: number): void {
  lineage.enqueueFirst({ key: 'routability', urgent: true, run: check(lineage, shown) }, now);
}

function check(lineage: Lineage, shown: (now: number) => void): Task['run'] {
  const { mobility, host } = lineage;
  const anew = (at: number) => lineage.enqueue({ key: 'routability', urgent: true, run: check(lineage, shown) }, at);
  return (sa, at) => {
    const cookie = makeCookie2(host);
    const { generation } = mobility;
    const onResponse = (response: readonly Payload[], later: number) => {
      if (!cookieCameBack(lineage, cookie, response, later)) return;
      if (generation !== mobility.generation) {
        if (!mobility.isVerified(lineage.path)) anew(later);
        return;
      }
      mobility.verify(lineage.path);
      shown(later);
    };
    // With its IKE SA replaced and gone, on the next one.
    const abandon = (later: number) => checkRoutability(lineage, shown, later);
    const exchange = EXCHANGE.INFORMATIONAL;
    sa.request({ purpose: { kind: 'inform' }, exchange, payloads: [cookie], onResponse, abandon }, at);
  };
}

const COOKIE2_LENGTH = 16;

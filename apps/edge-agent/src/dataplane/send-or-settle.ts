import { type DatagramSocket, ERRNO, type SendBatch } from '@weft/linux-io';
import type { IoDropReason } from './io-counters.js';
import type { UnderlayErrors, UnderlayForm } from './underlay-errors.js';

/**
 * Sends like `DatagramSocket.send`, but an error number that came with an earlier packet, perhaps of another peer, is not
 * taken for this one's: a socket that reports errors answers the next call with it, and sends nothing. So whenever the
 * error queue has something, it is emptied and the message tried again.
 */
export function sendOrSettle(
  socket: DatagramSocket,
  form: UnderlayForm,
  batch: SendBatch,
  first: number,
  count: number,
  errors: UnderlayErrors,
): number {
  let result = socket.send(batch, first, count);
  for (let attempt = 0; attempt < ATTEMPTS && isAboutAPacket(result); attempt++) {
    if (errors.drain(socket, form) === 0) return result;
    result = socket.send(batch, first, count);
  }
  return result;
}

/** Why the kernel did not send a message, as a reason to count. */
export function dropReasonOf(
  errno: number,
): Extract<IoDropReason, 'underlay_message_too_large' | 'underlay_unreachable' | 'underlay_send_failed'> {
  if (errno === ERRNO.EMSGSIZE) return 'underlay_message_too_large';
  return UNREACHABLE.has(errno) ? 'underlay_unreachable' : 'underlay_send_failed';
}

function isAboutAPacket(result: number): boolean {
  return result < 0 && result !== -ERRNO.EAGAIN && result !== -ERRNO.EINTR;
}

/** More ICMP errors than this between two calls, and the packet counts as refused. */
const ATTEMPTS = 8;
const UNREACHABLE: ReadonlySet<number> = new Set([
  ERRNO.ENETUNREACH,
  ERRNO.EHOSTUNREACH,
  ERRNO.ENETDOWN,
  ERRNO.ECONNREFUSED,
]);

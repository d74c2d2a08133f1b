import { NOTIFY } from './notify-registry.js';
import { type NotifyPayload, notify } from './payloads/notify.js';
import type { Payload } from './payloads/registry.js';

/** An address and UDP port of one end, 4 or 16 octets. */
interface SocketEndpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * The addresses of a sender beside the one in the IP header (RFC 4555 sections 3.6, 4.2.2 and 4.2.3): ADDITIONAL_IP4_ADDRESS
 * and ADDITIONAL_IP6_ADDRESS, one address each, or NO_ADDITIONAL_ADDRESSES. "The complete list is sent every time."
 */
export function additionalAddresses(addresses: readonly Uint8Array[]): readonly NotifyPayload[] {
  if (addresses.length === 0) return [notify('NO_ADDITIONAL_ADDRESSES')];
  return addresses.map((address) =>
    notify(address.length === 4 ? 'ADDITIONAL_IP4_ADDRESS' : 'ADDITIONAL_IP6_ADDRESS', address),
  );
}

/**
 * The list that a message carries; undefined when it carries none. At most MAXIMUM_ADDITIONAL addresses are taken, and no
 * notify whose data is no address of its family: nothing depends on them but where a path is looked for.
 */
export function readAdditionalAddresses(payloads: readonly Payload[]): readonly Uint8Array[] | undefined {
  const lists = payloads.filter((payload): payload is NotifyPayload => payload.kind === 'N' && LISTS.has(payload.type));
  if (lists.length === 0) return undefined;
  return lists
    .filter(({ type, data }) => data.length === ADDRESS_LENGTH[type])
    .slice(0, MAXIMUM_ADDITIONAL)
    .map(({ data }) => data);
}

/**
 * NO_NATS_ALLOWED (RFC 4555 section 4.2.6): where a message comes from and goes to as its sender sees it; 12 octets with
 * IPv4, 36 with IPv6.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                        Source address                         ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                      Destination address                      ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Source port          |       Destination port        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
export function noNatsAllowed(source: SocketEndpoint, destination: SocketEndpoint): NotifyPayload {
  return notify('NO_NATS_ALLOWED', endpointOctets(source, destination));
}

/** Whether a message came as its NO_NATS_ALLOWED says (section 3.9); true when it has none. */
export function cameUntranslated(
  payloads: readonly Payload[],
  source: SocketEndpoint,
  destination: SocketEndpoint,
): boolean {
  const expected = endpointOctets(source, destination);
  return payloads.every(
    (payload) => payload.kind !== 'N' || payload.type !== NOTIFY.NO_NATS_ALLOWED || sameOctets(payload.data, expected),
  );
}

/** COOKIE2: "between 8 and 64 octets in length (inclusive)" (section 4.2.5). */
export function isCookie2(data: Uint8Array): boolean {
  return data.length >= 8 && data.length <= 64;
}

function endpointOctets(source: SocketEndpoint, destination: SocketEndpoint): Uint8Array {
  const length = source.address.length;
  const octets = new Uint8Array(2 * length + 4);
  octets.set(source.address, 0);
  octets.set(destination.address, length);
  const view = new DataView(octets.buffer);
  view.setUint16(2 * length, source.port);
  view.setUint16(2 * length + 2, destination.port);
  return octets;
}

function sameOctets(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}

const ADDRESS_LENGTH: Readonly<Record<number, number>> = {
  [NOTIFY.ADDITIONAL_IP4_ADDRESS]: 4,
  [NOTIFY.ADDITIONAL_IP6_ADDRESS]: 16,
};
const LISTS: ReadonlySet<number> = new Set([
  NOTIFY.ADDITIONAL_IP4_ADDRESS,
  NOTIFY.ADDITIONAL_IP6_ADDRESS,
  NOTIFY.NO_ADDITIONAL_ADDRESSES,
]);
/** A gateway with more than eight ways in is known by eight of them. */
export const MAXIMUM_ADDITIONAL = 8;

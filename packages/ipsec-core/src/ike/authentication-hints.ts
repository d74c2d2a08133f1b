import { toHex } from '../bytes/hex.js';
import { type AuthMethodAnnouncement, MAXIMUM_ANNOUNCEMENTS, parseAuthMethods } from '../wire/ike/auth-methods.js';
import { CERT_ENCODING } from '../wire/ike/iana.js';
import { NOTIFY } from '../wire/ike/notify-registry.js';
import { authoritiesOf } from '../wire/ike/payloads/certificate-request.js';
import type { Payload } from '../wire/ike/payloads/registry.js';

/**
 * How the peer says it can be convinced: CERTREQ (RFC 7296 section 3.7) and SUPPORTED_AUTH_METHODS (RFC 9593). "The
 * processing of a CERTREQ should be seen as a suggestion for a certificate to select, not a mandated one", and the same
 * goes for the methods: they order what we have, and refuse nothing.
 */
export interface AuthenticationHints {
  /** SHA-1 of SubjectPublicKeyInfo, hexadecimal, in the order received: announcements point into it. */
  readonly authorities: readonly string[];
  readonly asksForCertificate: boolean;
  readonly asksForRawPublicKey: boolean;
  /** In the peer's order of preference; undefined when it did not say, or said it in a way that nobody can read. */
  readonly methods: readonly AuthMethodAnnouncement[] | undefined;
}

export const NO_HINTS: AuthenticationHints = {
  authorities: [],
  asksForCertificate: false,
  asksForRawPublicKey: false,
  methods: undefined,
};

/** What the payloads of one message say. Encodings that we do not know are passed over. */
export function readHints(payloads: readonly Payload[]): AuthenticationHints {
  const requests = payloads.filter((payload) => payload.kind === 'CERTREQ');
  return {
    authorities: requests.flatMap(authoritiesOf).map(toHex),
    asksForCertificate: requests.some(({ encoding }) => encoding === CERT_ENCODING.X509_SIGNATURE),
    asksForRawPublicKey: requests.some(({ encoding }) => encoding === CERT_ENCODING.RAW_PUBLIC_KEY),
    methods: readMethods(payloads),
  };
}

/** Section 3.1 of RFC 9593: a notification without data says that the list will come with IKE_INTERMEDIATE. */
export function announcesLater(payloads: readonly Payload[]): boolean {
  const notifications = payloads.filter(isAnnouncement);
  return notifications.length > 0 && notifications.every(({ data }) => data.length === 0);
}

/**
 * What came with IKE_INTERMEDIATE takes the place of what came before, but for the authorities, which the responder need
 * not repeat: "the initiator MAY … link the Announcements to the CAs received in the IKE_SA_INIT response".
 */
export function updateHints(before: AuthenticationHints, payloads: readonly Payload[]): AuthenticationHints {
  const now = readHints(payloads);
  const requested = now.asksForCertificate || now.asksForRawPublicKey || now.authorities.length > 0;
  return { ...(requested ? now : before), methods: now.methods ?? before.methods };
}

/** "If multiple SUPPORTED_AUTH_METHODS notifications are included in a message, all their announcements form a single ordered list." */
function readMethods(payloads: readonly Payload[]): readonly AuthMethodAnnouncement[] | undefined {
  const notifications = payloads.filter(isAnnouncement).filter(({ data }) => data.length > 0);
  const lists = notifications.map(({ data }) => parseAuthMethods(data));
  const methods = lists.flatMap((list) => list ?? []);
  const readable = lists.length > 0 && !lists.includes(undefined) && methods.length <= MAXIMUM_ANNOUNCEMENTS;
  return readable ? methods : undefined;
}

function isAnnouncement(payload: Payload): payload is Payload & { kind: 'N' } {
  return payload.kind === 'N' && payload.type === NOTIFY.SUPPORTED_AUTH_METHODS;
}

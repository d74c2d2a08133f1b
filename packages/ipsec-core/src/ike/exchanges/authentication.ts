import { sameAuth, sharedKeyAuth, signedOctets } from '../../crypto/ike/auth-octets.js';
import { concatenate } from '../../crypto/ike/prf.js';
import { encodeDigitalSignature, HASH_OF, parseDigitalSignature } from '../../crypto/ike/signature.js';
import { AUTH_METHOD, CERT_ENCODING } from '../../wire/ike/iana.js';
import type { AuthenticationPayload } from '../../wire/ike/payloads/authentication.js';
import type { IdentificationPayload } from '../../wire/ike/payloads/identification.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { IkeSa } from '../ike-sa.js';
import type { Handshake } from '../states.js';
import { spiOctets } from './child-negotiation.js';

/** The octets that `side` signs (RFC 7296 section 2.15). `authId` is the message ID of IKE_AUTH. */
export function octetsOf(
  sa: IkeSa,
  handshake: Handshake,
  side: 'initiator' | 'responder',
  id: IdentificationPayload,
  authId: number,
): Uint8Array {
  const { intermediateInitiator, intermediateResponder, inputs } = handshake;
  const initiator = side === 'initiator';
  return signedOctets(sa.keys.prf, {
    ownMessage: initiator ? handshake.initiatorMessage : handshake.responderMessage,
    peerNonce: initiator ? inputs.responderNonce : inputs.initiatorNonce,
    p: initiator ? sa.keys.pi : sa.keys.pr,
    idBody: id.body,
    intermediate:
      intermediateInitiator === undefined || intermediateResponder === undefined
        ? undefined
        : concatenate([intermediateInitiator, intermediateResponder, spiOctets(authId)]),
  });
}

/** AUTH and CERT payloads of our side, at once with a pre-shared key, else after the host has signed. */
export function proveIdentity(
  sa: IkeSa,
  handshake: Handshake,
  octets: Uint8Array,
  done: (payloads: readonly Payload[] | { readonly failed: string }, now: number) => void,
  now: number,
): void {
  const own = sa.lineage.connection.localAuthentication;
  if (own.kind === 'psk') {
    done([{ kind: 'AUTH', method: AUTH_METHOD.SHARED_KEY, data: sharedKeyAuth(sa.keys.prf, own.key, octets) }], now);
    return;
  }
  const algorithms = own.algorithms.filter((algorithm) => handshake.peerHashes.includes(HASH_OF[algorithm]));
  if (algorithms.length === 0) {
    done({ failed: 'the peer announced no hash algorithm that our key can sign with' }, now);
    return;
  }
  sa.host.job({ kind: 'sign', credential: own.credential, algorithms, octets }, (result, later) => {
    if (result.kind !== 'signed') {
      done(
        { failed: result.kind === 'failed' ? result.reason : 'the host answered a sign job with something else' },
        later,
      );
      return;
    }
    const data = encodeDigitalSignature(result);
    const certificates = own.certificates.map((certificate) => ({
      kind: 'CERT' as const,
      encoding: CERT_ENCODING.X509_SIGNATURE,
      data: certificate,
    }));
    done([...certificates, { kind: 'AUTH', method: AUTH_METHOD.DIGITAL_SIGNATURE, data }], later);
  });
}

/** Whether the peer proved the identity: at once with a pre-shared key, else after the host has looked. */
export function checkIdentity(
  sa: IkeSa,
  id: IdentificationPayload,
  auth: AuthenticationPayload,
  payloads: readonly Payload[],
  octets: Uint8Array,
  done: (failure: string | undefined, now: number) => void,
  now: number,
): void {
  const expected = sa.lineage.connection.remoteAuthentication;
  if (expected.kind === 'psk') {
    const method = auth.method === AUTH_METHOD.SHARED_KEY;
    const equal = method && sameAuth(sharedKeyAuth(sa.keys.prf, expected.key, octets), auth.data);
    const failure = method
      ? 'the pre-shared keys differ'
      : `AUTH method ${auth.method} where a pre-shared key is expected`;
    done(equal ? undefined : failure, now);
    return;
  }
  const signature = auth.method === AUTH_METHOD.DIGITAL_SIGNATURE ? parseDigitalSignature(auth.data) : undefined;
  if (signature === undefined) {
    done(`AUTH method ${auth.method} or its algorithm is none that we accept`, now);
    return;
  }
  const certificates = payloads.filter((payload) => payload.kind === 'CERT');
  const job = {
    kind: 'verify',
    connection: sa.lineage.connection.name,
    identity: id.identity,
    certificates,
    ...signature,
    octets,
  } as const;
  sa.host.job(job, (result, later) => {
    done(result.kind === 'verified' ? undefined : result.kind === 'failed' ? result.reason : 'no verdict', later);
  });
}

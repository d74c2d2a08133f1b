import { sameAuth, sharedKeyAuth, signedOctets } from '../../crypto/ike/auth-octets.js';
import type { IkeKeys } from '../../crypto/ike/key-schedule.js';
import { concatenate } from '../../crypto/ike/prf.js';
import { encodeSignature, type ParsedSignature, parseSignature } from '../../crypto/ike/signature.js';
import { AUTH_METHOD, ID_TYPE } from '../../wire/ike/iana.js';
import type { AuthenticationPayload } from '../../wire/ike/payloads/authentication.js';
import { describeIdentity, type IdentificationPayload, type Identity } from '../../wire/ike/payloads/identification.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { AuthenticationHints } from '../authentication-hints.js';
import { acceptedAlgorithms } from '../authentication-requests.js';
import { type RemoteAuthentication, sameAddress } from '../connection.js';
import { certificatePayloads, chooseCredential } from '../credential-choice.js';
import type { IkeSa } from '../ike-sa.js';
import type { Handshake } from '../states.js';
import { spiOctets } from './child-negotiation.js';

/**
 * The octets that `side` signs (RFC 7296 section 2.15), with the keys of the SA or those with a PPK mixed in. `authId` is the
 * message ID of IKE_AUTH.
 */
export function octetsOf(
  sa: IkeSa,
  handshake: Handshake,
  side: 'initiator' | 'responder',
  id: IdentificationPayload,
  authId: number,
  keys: IkeKeys = sa.keys,
): Uint8Array {
  const { intermediateInitiator, intermediateResponder, inputs } = handshake;
  const initiator = side === 'initiator';
  return signedOctets(keys.prf, {
    ownMessage: initiator ? handshake.initiatorMessage : handshake.responderMessage,
    peerNonce: initiator ? inputs.responderNonce : inputs.initiatorNonce,
    p: initiator ? keys.pi : keys.pr,
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
  { peerHashes }: Handshake,
  hints: AuthenticationHints,
  octets: Uint8Array,
  done: (payloads: readonly Payload[] | { readonly failed: string }, now: number) => void,
  now: number,
): void {
  const own = sa.lineage.connection.localAuthentication;
  if (own.kind === 'psk') {
    done([{ kind: 'AUTH', method: AUTH_METHOD.SHARED_KEY, data: sharedKeyAuth(sa.keys.prf, own.key, octets) }], now);
    return;
  }
  const choice = chooseCredential(own.credentials, peerHashes, hints);
  if (choice === undefined) {
    done({ failed: peerHashes === undefined ? NO_METHOD : NO_HASH }, now);
    return;
  }
  const { credential, algorithms } = choice;
  sa.host.job({ kind: 'sign', credential: credential.name, algorithms, octets }, (result, later) => {
    if (result.kind !== 'signed') {
      done(
        { failed: result.kind === 'failed' ? result.reason : 'the host answered a sign job with something else' },
        later,
      );
      return;
    }
    done([...certificatePayloads(credential, hints), { kind: 'AUTH', ...encodeSignature(result) }], later);
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
  const signed = acceptedSignature(expected, auth);
  const failure = signed.ok ? addressProblem(expected, id.identity, sa.lineage.path.remote.address) : signed.reason;
  if (!signed.ok || failure !== undefined) {
    done(failure, now);
    return;
  }
  const job = {
    kind: 'verify',
    connection: sa.lineage.connection.name,
    identity: id.identity,
    certificates: payloads.filter((payload) => payload.kind === 'CERT'),
    ...signed.signature,
    octets,
  } as const;
  sa.host.job(job, (result, later) => {
    done(result.kind === 'verified' ? undefined : result.kind === 'failed' ? result.reason : 'no verdict', later);
  });
}

function acceptedSignature(expected: RemoteAuthentication, auth: AuthenticationPayload): ParsedSignature {
  const parsed = parseSignature(auth.method, auth.data);
  const accepted = acceptedAlgorithms(expected);
  if (!parsed.ok || accepted.includes(parsed.signature.algorithm)) return parsed;
  const reason = `the peer signed with ${parsed.signature.algorithm}, of which the connection accepts ${accepted.join(', ')}`;
  return { ok: false, reason };
}

/** RFC 4945 section 3.1.1: "implementations MUST be capable of verifying that the address contained in the ID is the same as the address contained in the IP header", and do so by default. */
function addressProblem(expected: RemoteAuthentication, identity: Identity, source: Uint8Array): string | undefined {
  const isAddress = identity.type === ID_TYPE.IPV4_ADDR || identity.type === ID_TYPE.IPV6_ADDR;
  if (!isAddress || expected.kind !== 'signature' || expected.anySourceAddress === true) return undefined;
  if (sameAddress(identity.data, source)) return undefined;
  return `the peer calls itself ${describeIdentity(identity)}, which is not the address that its messages come from`;
}

const NO_METHOD = 'RFC 7427 was not agreed on with the peer, and no key of ours has a method from before it';
const NO_HASH = 'the peer announced no hash algorithm that a key of ours can sign with';
